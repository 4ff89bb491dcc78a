import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { expect, test } from "vitest";
import { deferExecutions } from "./defer-executions.ts";
import { deferUnderBackoff } from "./defer-under-backoff.ts";
import {
  insertExecution,
  type MadeExecution,
  readEvents,
  readExecution,
  statusesOtherThan,
} from "./testing/executions.ts";

const { pool: db } = await freshDatabase();
const at = new Date("2026-03-02T20:05:00Z");
const by = (minute: number) => ({ now: new Date(Date.UTC(2026, 2, 2, 20, minute)), actor: "worker" });

async function make(values: Parameters<typeof insertExecution>[3] = {}): Promise<MadeExecution> {
  const contact = await makeContact(db);
  return insertExecution(db, await makeSequence(db), contact.id, { generation: 3, ...values });
}

function move({ executionId }: MadeExecution, message = "Sending stands still.", reason = "transport_backoff") {
  return { executionId, generation: 3, at, reason, message };
}

test("it comes back later, without an attempt, and says what it waits for", async () => {
  const made = await make();
  expect(await deferUnderBackoff(db, [move(made)], by(0))).toEqual([made.executionId]);
  expect(await readExecution(db, made.executionId)).toMatchObject({
    status: "scheduled",
    scheduledFor: at,
    generation: 3,
    attemptCount: 0,
    errorMessage: "Sending stands still.",
  });
  expect(await readEvents(db, made.executionId)).toEqual([
    { at: by(0).now, kind: "deferred", reason: "transport_backoff", message: "Sending stands still.", actor: "worker" },
  ]);
});

test("however often it comes back in vain there is one event; the row says the last reason", async () => {
  const made = await make();
  for (let minute = 0; minute < 5; minute += 1) await deferUnderBackoff(db, [move(made, `${minute}`)], by(minute));
  expect(await readEvents(db, made.executionId)).toHaveLength(1);
  expect((await readExecution(db, made.executionId)).errorMessage).toBe("4");
});

test("after another reason, or something else that happened to it, it is an event again", async () => {
  const made = await make();
  await deferUnderBackoff(db, [move(made)], by(0));
  await deferUnderBackoff(db, [move(made, "Slow down.", "domain_backoff")], by(1));
  await deferExecutions(db, [move(made, "Closed.", "outside_window")], by(2));
  await deferUnderBackoff(db, [move(made, "Slow down.", "domain_backoff")], by(3));
  const reasons = (await readEvents(db, made.executionId)).map((event) => event.reason);
  expect(reasons).toEqual(["transport_backoff", "domain_backoff", "outside_window", "domain_backoff"]);
});

test.each(statusesOtherThan("scheduled"))("an execution that is %s is left alone, silently", async (status) => {
  const [made, other] = [await make({ status }), await make()];
  const before = await readExecution(db, made.executionId);
  expect(await deferUnderBackoff(db, [move(made), move(other)], by(0))).toEqual([other.executionId]);
  expect(await readExecution(db, made.executionId)).toEqual(before);
  expect(await readEvents(db, made.executionId)).toEqual([]);
});

test("a worker of an older generation defers nothing", async () => {
  const made = await make({ generation: 4 });
  expect(await deferUnderBackoff(db, [move(made)], by(0))).toEqual([]);
});
