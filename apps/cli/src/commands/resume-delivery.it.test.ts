import { deferUnderBackoff } from "@dripline/db/defer-under-backoff";
import { noteDeliveryFailure } from "@dripline/db/note-delivery-failure";
import { readDeliveryBackoffs } from "@dripline/db/queries/read-delivery-backoffs";
import { insertExecution, readExecution } from "@dripline/db/testing/executions";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { beforeEach, expect, test } from "vitest";
import { migrateAll } from "../migrate-all.ts";
import { type ResumeDeliveryOptions, resumeDelivery } from "./resume-delivery.ts";

const { url, pool: db } = await freshDatabase();
await migrateAll(url, undefined);
const now = () => new Date();
const domain = "domain:slow.example";

beforeEach(async () => {
  await db.query("truncate delivery_backoff, audit_log");
  const steps = { firstSeconds: 3_600, longestSeconds: 3_600 };
  const failure = { message: "no", steps, jitter: 1, startedAt: now() };
  await noteDeliveryFailure(db, { ...failure, scope: "transport", reason: "transport_unusable" });
  await noteDeliveryFailure(db, { ...failure, scope: domain, reason: "domain_slowed" });
});

async function run(options: Partial<ResumeDeliveryOptions> = {}): Promise<string> {
  const lines: string[] = [];
  const print = (line: string) => void lines.push(line);
  await resumeDelivery({ DATABASE_URL: url }, "/nowhere", { scope: undefined, all: false, now, print, ...options });
  return lines.join("\n");
}

async function scopes(): Promise<string[]> {
  return (await readDeliveryBackoffs(db)).map((backoff) => backoff.scope);
}

test("without a scope the transport is meant, what waited for it goes on at once, and who did it is on record", async () => {
  const contact = await makeContact(db);
  const { executionId } = await insertExecution(db, await makeSequence(db), contact.id);
  const later = new Date(Date.now() + 3_600_000);
  const move = { executionId, generation: 0, at: later, reason: "transport_backoff", message: "Stands still." };
  await deferUnderBackoff(db, [move], { now: now(), actor: "worker" });

  expect(await run()).toBe("As usual again: transport.\n1 execution that waited goes on now.");

  expect(await scopes()).toEqual([domain]);
  expect((await readExecution(db, executionId)).scheduledFor.getTime()).toBeLessThan(later.getTime() - 3_000_000);
  const { rows } = await db.query("select principal, action, object_type, object_id from audit_log");
  expect(rows).toEqual([
    {
      principal: "dripline resume-delivery",
      action: "resume-delivery",
      object_type: "delivery-backoff",
      object_id: "transport",
    },
  ]);
});

test("a domain is named, however it is written; --all means everything", async () => {
  expect(await run({ scope: "domain:Slow.Example" })).toContain(`As usual again: ${domain}.`);
  expect(await scopes()).toEqual(["transport"]);
  await run({ all: true });
  expect(await scopes()).toEqual([]);
  expect(await run({ all: true })).toBe("Nothing is slowed down.");
  expect(await run()).toBe("transport is not slowed down.");
});

test.each(["slow.example", "domain:", "ann@slow.example"])("%s is answered with what to write", async (scope) => {
  await expect(run({ scope })).rejects.toMatchObject({ name: "UserError", message: expect.stringMatching(/doctor/) });
  expect(await scopes()).toHaveLength(2);
});
