import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { beforeEach, expect, test } from "vitest";
import { deferExecutions } from "./defer-executions.ts";
import { deferUnderBackoff } from "./defer-under-backoff.ts";
import { releaseBackedOff } from "./release-backed-off.ts";
import { secondsFromNow, secondsUntil } from "./testing/backoffs.ts";
import {
  insertExecution,
  type MadeExecution,
  readEvents,
  readExecution,
  statusesOtherThan,
} from "./testing/executions.ts";

const { pool: db } = await freshDatabase();
const by = { now: new Date(), actor: "dripline resume-delivery" };
beforeEach(() => db.query("truncate step_execution cascade"));

type Reason = "transport_backoff" | "domain_backoff" | "outside_window";

/** Deferred for an hour. */
async function deferred(reason: Reason, email?: string): Promise<MadeExecution> {
  const contact = await makeContact(db, email === undefined ? {} : { email });
  const made = await insertExecution(db, await makeSequence(db), contact.id);
  const { executionId } = made;
  const defer = reason === "outside_window" ? deferExecutions : deferUnderBackoff;
  await defer(db, [{ executionId, generation: 0, at: secondsFromNow(3_600), reason, message: "Later." }], by);
  return made;
}

test("what waited for the transport is due now, under a new generation, and says so", async () => {
  const made = await deferred("transport_backoff");
  const released = await releaseBackedOff(db, "transport", by, 100);
  expect(released).toMatchObject([{ executionId: made.executionId, generation: 1 }]);
  const row = await readExecution(db, made.executionId);
  expect(row).toMatchObject({ status: "scheduled", generation: 1, attemptCount: 0, errorMessage: null });
  expect(Math.abs(secondsUntil(row.scheduledFor))).toBeLessThan(60);
  const last = (await readEvents(db, made.executionId)).at(-1);
  expect(last).toMatchObject({ kind: "rescheduled", reason: "delivery_resumed", actor: "dripline resume-delivery" });
  expect(await releaseBackedOff(db, "transport", by, 100)).toEqual([]);
});

test("what waits for anything else stays where it is", async () => {
  await deferred("outside_window");
  await deferred("domain_backoff", "ann@example.com");
  expect(await releaseBackedOff(db, "transport", by, 100)).toEqual([]);
});

test("of what waits for a domain only that domain's goes on, however its addresses are written", async () => {
  const made = await deferred("domain_backoff", "Ben@Slow.Example");
  await deferred("domain_backoff", "cat@notslow.example");
  await deferred("domain_backoff", "dan@sub.slow.example");
  const released = await releaseBackedOff(db, "domain:slow.example", by, 100);
  expect(released.map((row) => row.executionId)).toEqual([made.executionId]);
});

test("batch after batch moves everybody once, also with twenty callers at once", async () => {
  for (let count = 0; count < 30; count += 1) await deferred("transport_backoff");
  const batches = await Promise.all(Array.from({ length: 20 }, () => releaseBackedOff(db, "transport", by, 7)));
  const rest = await releaseBackedOff(db, "transport", by, 100);
  const moved = [...batches.flat(), ...rest].map((row) => row.executionId);
  expect(moved).toHaveLength(30);
  expect(new Set(moved).size).toBe(30);
});

test.each(statusesOtherThan("scheduled"))("an execution that is %s is left alone", async (status) => {
  const made = await deferred("transport_backoff");
  const held = status === "pending" ? ", hold_reason = 'too_late'" : "";
  const sending = status === "sending" ? ", phase = 'claimed', lease_until = now()" : "";
  await db.query(`update step_execution set status = $2 ${held} ${sending} where id = $1`, [made.executionId, status]);
  expect(await releaseBackedOff(db, "transport", by, 100)).toEqual([]);
});
