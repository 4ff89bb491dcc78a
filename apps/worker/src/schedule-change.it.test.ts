import { inTransaction } from "@dripline/db/database";
import { findSchedule } from "@dripline/db/queries/read-schedules";
import { updateSchedule } from "@dripline/db/queries/update-schedule";
import { BUSINESS_HOURS } from "@dripline/domain/schedule";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { expect, test } from "vitest";
import { sendStep } from "./send-step.ts";
import { enrollNow, startWorkerAt } from "./testing/worker-at.ts";

/** In Bangkok, where it is seven hours later: a Wednesday and a Thursday, 10:00. */
const wednesday = new Date("2026-11-25T03:00:00Z");
const thursday = new Date("2026-11-26T03:00:00Z");

const worker = await startWorkerAt(wednesday);
const { db, clock, smtp, deps } = worker;

test("an email that is planned for a date which is closed afterwards waits for the next open date", async () => {
  const rules = { ...BUSINESS_HOURS, spreadMinutes: 0 };
  const steps = [{ delay: { value: 1, unit: "days" } as const }];
  const { id: sequenceId } = await makeSequence(db, { schedule: rules, steps });
  const enrollmentId = await enrollNow(worker, { sequenceId, contactId: (await makeContact(db)).id });
  const execution = async () => {
    const { rows } = await db.query("select * from step_execution where enrollment_id = $1", [enrollmentId]);
    return rows[0];
  };
  expect(await execution()).toMatchObject({ status: "scheduled", scheduled_for: thursday });

  const { rows } = await db.query("select schedule_id as id from email_sequence where id = $1", [sequenceId]);
  const { id } = rows[0];
  const name = (await findSchedule(db, id))?.name ?? "";
  const closed = { ...rules, closedDates: ["2026-11-26"] };
  await inTransaction(db, (tx) => updateSchedule(tx, id, { name, rules: closed, now: clock.now() }));
  const planned = await execution();
  expect(planned.scheduled_for).toEqual(thursday);

  await clock.jumpTo(thursday);
  await sendStep(deps, { executionId: planned.id, generation: planned.generation });

  expect(smtp.bodies).toEqual([]);
  const friday = new Date("2026-11-27T02:00:00Z");
  expect(await execution()).toMatchObject({ status: "scheduled", scheduled_for: friday, attempt_count: 0 });
  const events = await db.query("select kind, reason, message from execution_event where execution_id = $1", [
    planned.id,
  ]);
  expect(events.rows).toMatchObject([
    { kind: "deferred", reason: "outside_window", message: expect.stringContaining("2026-11-26") },
  ]);

  await clock.jumpTo(friday);
  await sendStep(deps, { executionId: planned.id, generation: planned.generation });
  expect(await execution()).toMatchObject({ status: "sent", sent_at: friday });
  expect(smtp.bodies).toHaveLength(1);
});
