import { inTransaction, type Queryable } from "@dripline/db/database";
import { readExecutions } from "@dripline/db/testing/executions";
import { BUSINESS_HOURS } from "@dripline/domain/schedule";
import { rescheduleExecution, sendExecutionNow } from "@dripline/engine/reschedule-execution";
import { retryExecution } from "@dripline/engine/retry-execution";
import { skipExecution } from "@dripline/engine/skip-execution";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { beforeEach, describe, expect, test } from "vitest";
import { sendStep } from "./send-step.ts";
import { enrollNow, type OpenExecution, openExecution, startWorkerAt } from "./testing/worker-at.ts";

/** From what an operator does with one email to what leaves for its contact, and when. */

const start = new Date("2026-11-23T03:00:00Z"); // a Monday, 10:00 in Bangkok
const worker = await startWorkerAt(start);
const { db, clock, smtp, deps } = worker;
const DAY = 86_400_000;
const inDays = (days: number) => new Date(start.getTime() + days * DAY);

beforeEach(async () => {
  smtp.play("accept");
  smtp.bodies.length = 0;
  await clock.jumpTo(start);
});

/** Enrolled in two steps, a day after the enrollment and two days after that. */
async function enrolled(): Promise<OpenExecution> {
  const days = (value: number) => ({ delay: { value, unit: "days" } as const });
  const schedule = { ...BUSINESS_HOURS, spreadMinutes: 0 };
  const { id: sequenceId } = await makeSequence(db, { schedule, steps: [days(1), days(2)] });
  return openOf(await enrollNow(worker, { sequenceId, contactId: (await makeContact(db)).id }));
}

async function openOf(enrollmentId: string): Promise<OpenExecution> {
  const open = await openExecution(worker, enrollmentId);
  if (open === undefined) throw new Error("nothing is open");
  return open;
}

type By = { now: Date; actor: string; note: string; pace: typeof deps.pace };

async function operate(act: (tx: Queryable, by: By) => Promise<{ readonly kind: string }>): Promise<void> {
  const by = { now: clock.now(), actor: "ann", note: "", pace: deps.pace };
  expect((await inTransaction(db, (tx) => act(tx, by))).kind).toBe("moved");
}

describe("an email", () => {
  test("that was skipped is not sent, and the next one goes out as long after the skip as its delay says", async () => {
    const open = await enrolled();
    await operate((tx, by) => skipExecution(tx, open.executionId, by));

    await clock.jumpTo(open.scheduledFor);
    expect(await sendStep(deps, open)).toEqual({ kind: "done" });
    expect(smtp.bodies).toEqual([]);
    const next = await openOf(open.enrollmentId);
    expect(next).toMatchObject({ stepNumber: 2, scheduledFor: inDays(2) });
    await clock.jumpTo(next.scheduledFor);
    await sendStep(deps, next);
    expect(smtp.bodies).toHaveLength(1);
    expect(await readExecutions(db, open.enrollmentId)).toMatchObject([{ status: "skipped" }, { status: "sent" }]);
  });

  test("that was let go now leaves at once; its timer of before sends no second one", async () => {
    const open = await enrolled();
    await operate((tx, by) => sendExecutionNow(tx, open.executionId, by));

    await sendStep(deps, open);
    expect(smtp.bodies).toEqual([]);
    await sendStep(deps, await openOf(open.enrollmentId));
    expect(smtp.bodies).toHaveLength(1);
    await clock.jumpTo(open.scheduledFor);
    await sendStep(deps, open);

    expect(smtp.bodies).toHaveLength(1);
    expect(await openOf(open.enrollmentId)).toMatchObject({ stepNumber: 2, scheduledFor: inDays(2) });
  });

  test("that was let go now in the last minute of a window waits for the next one if the worker comes too late", async () => {
    const open = await enrolled();
    await clock.jumpTo(new Date("2026-11-23T09:59:59Z"));
    await operate((tx, by) => sendExecutionNow(tx, open.executionId, by));
    await clock.jumpTo(new Date("2026-11-23T10:00:00Z"));

    expect(await sendStep(deps, await openOf(open.enrollmentId))).toMatchObject({ kind: "again" });

    expect(smtp.bodies).toEqual([]);
    expect((await openOf(open.enrollmentId)).scheduledFor).toEqual(new Date("2026-11-24T02:00:00Z"));
  });

  test("that was moved leaves at its new time and not at its old one", async () => {
    const open = await enrolled();
    await operate((tx, by) => rescheduleExecution(tx, open.executionId, inDays(3), by));

    await clock.jumpTo(open.scheduledFor);
    expect(await sendStep(deps, open)).toEqual({ kind: "done" });
    const moved = await openOf(open.enrollmentId);
    expect(await sendStep(deps, moved)).toMatchObject({ kind: "again", at: inDays(3) });
    expect(smtp.bodies).toEqual([]);
    await clock.jumpTo(inDays(3));
    await sendStep(deps, moved);
    expect(smtp.bodies).toHaveLength(1);
  });

  test("that failed and is retried leaves at once, and the next step follows", async () => {
    const open = await enrolled();
    await db.query("update step_execution set status = 'failed' where id = $1", [open.executionId]);
    await operate((tx, by) => retryExecution(tx, open.executionId, by));

    await sendStep(deps, await openOf(open.enrollmentId));

    expect(smtp.bodies).toHaveLength(1);
    expect(await openOf(open.enrollmentId)).toMatchObject({ stepNumber: 2, scheduledFor: inDays(2) });
  });
});
