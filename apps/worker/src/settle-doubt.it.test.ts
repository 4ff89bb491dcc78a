import { inTransaction } from "@dripline/db/database";
import { readEnrollment, readEvents, readExecution, readExecutions } from "@dripline/db/testing/executions";
import type { InDoubtPolicy } from "@dripline/domain/statuses";
import { settleByOperator } from "@dripline/engine/settle-by-operator";
import type { Wake } from "@dripline/queue/wake";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { waitFor } from "@dripline/testkit/wait-for";
import { beforeEach, describe, expect, test } from "vitest";
import { sendStep } from "./send-step.ts";
import { enrollNow, startWorkerAt } from "./testing/worker-at.ts";

/** From a connection that breaks after the message, to the operator who settles it, to the next step. */

const worker = await startWorkerAt(new Date("2026-03-02T10:00:00Z"));
const { db, clock, smtp, deps, woken } = worker;
const HOUR = 3_600_000;

beforeEach(() => {
  smtp.play("accept");
  smtp.bodies.length = 0;
  woken.length = 0;
});

/** Step 1 of 2 was handed over, the connection broke, and what the policy says has happened. */
async function dropped(inDoubtPolicy: InDoubtPolicy) {
  const sequence = { steps: [{}, { delay: { value: 2, unit: "hours" } as const }], inDoubtPolicy };
  const [{ id: sequenceId }, { id: contactId }] = [await makeSequence(db, sequence), await makeContact(db)];
  const enrollmentId = await enrollNow(worker, { sequenceId, contactId });
  const [first] = await readExecutions(db, enrollmentId);
  if (first === undefined) throw new Error("nothing was opened");
  const wake = { executionId: first.id, generation: first.generation };
  const handedOverAt = clock.now();
  smtp.play("drop_after_body");
  await sendStep(deps, wake);
  smtp.play("accept");
  return { enrollmentId, executionId: first.id, wake, handedOverAt };
}

const settle = (executionId: string, as: "sent" | "resend") =>
  settleByOperator(
    { db, queue: deps.queue, now: clock.now(), pace: deps.pace, actor: "ann" },
    { executionIds: [executionId] },
    { as, note: "" },
  );

/** Lets all of them read that it is in doubt before the first can move it. */
async function atOnce<T>(enrollmentId: string, settlements: (() => Promise<T>)[]): Promise<T[]> {
  const begun = await inTransaction(db, async (tx) => {
    await tx.query("select from sequence_enrollment where id = $1 for update", [enrollmentId]);
    const results = settlements.map((begin) => begin());
    await waitFor(
      async () => {
        const { rowCount } = await db.query(
          "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
        );
        return rowCount === settlements.length;
      },
      { timeoutMilliseconds: 10_000, describe: "all settlements at the lock" },
    );
    return { results };
  });
  return Promise.all(begun.results);
}

/** What the queue does with the last timer of this execution, once the clock has come there. */
async function fireTimer(executionId: string | undefined): Promise<Wake> {
  const wake = woken.findLast((each) => each.executionId === executionId);
  if (wake === undefined) throw new Error("it has no timer");
  await clock.jumpTo(new Date(Math.max(wake.at.getTime(), clock.now().getTime())));
  await sendStep(deps, wake);
  return wake;
}

const later = (hours: number) => clock.jumpTo(new Date(clock.now().getTime() + hours * HOUR));
const statuses = async (enrollmentId: string) => (await readExecutions(db, enrollmentId)).map(({ status }) => status);

describe("under `hold`, an email in doubt", () => {
  test("that is settled as sent is closed as of its handing over, and the next step counts from there", async () => {
    const { enrollmentId, executionId, handedOverAt } = await dropped("hold");
    expect(await statuses(enrollmentId)).toEqual(["in_doubt"]);
    expect(woken).toEqual([]);
    await later(1);

    await settle(executionId, "sent");

    const [first, second] = await readExecutions(db, enrollmentId);
    expect(first).toMatchObject({ status: "sent", sentAt: handedOverAt });
    expect(second).toMatchObject({ status: "scheduled", dueAt: new Date(handedOverAt.getTime() + 2 * HOUR) });
    await fireTimer(second?.id);
    expect(await statuses(enrollmentId)).toEqual(["sent", "sent"]);
    expect(smtp.bodies).toHaveLength(2); // one of each step
    expect((await readEnrollment(db, enrollmentId)).status).toBe("completed");
  });

  test("that is sent again goes out as the same message, and the next step follows the second copy", async () => {
    const { enrollmentId, executionId } = await dropped("hold");
    await later(1);
    await settle(executionId, "resend");

    await fireTimer(executionId);

    expect(smtp.bodies).toHaveLength(2);
    expect(smtp.bodies[1]).toBe(smtp.bodies[0]);
    const [first, second] = await readExecutions(db, enrollmentId);
    expect(first).toMatchObject({ status: "sent", sentAt: clock.now() });
    expect(second).toMatchObject({ dueAt: new Date(clock.now().getTime() + 2 * HOUR) });
    await fireTimer(second?.id);
    expect(await statuses(enrollmentId)).toEqual(["sent", "sent"]);
  });

  test("that is sent again and is in doubt again waits again, with both doubts on record", async () => {
    const { enrollmentId, executionId } = await dropped("hold");
    await settle(executionId, "resend");
    smtp.play("drop_after_body");
    await fireTimer(executionId);
    expect(await statuses(enrollmentId)).toEqual(["in_doubt"]);
    expect((await readEvents(db, executionId)).map(({ kind }) => kind)).toEqual(["in_doubt", "revived", "in_doubt"]);
  });
});

describe("under `advance`, an email in doubt", () => {
  test.each(["sent", "resend"] as const)("that is settled (%s) opens the next step no second time", async (as) => {
    const { enrollmentId, executionId } = await dropped("advance");
    const [, second] = await readExecutions(db, enrollmentId);
    expect(await statuses(enrollmentId)).toEqual(["in_doubt", "scheduled"]);

    await settle(executionId, as);
    if (as === "resend") await fireTimer(executionId);

    const [first, after] = await readExecutions(db, enrollmentId);
    expect(first?.status).toBe("sent");
    expect(after).toEqual(second);
    await fireTimer(second?.id);
    expect(await statuses(enrollmentId)).toEqual(["sent", "sent"]);
    expect(smtp.bodies).toHaveLength(as === "resend" ? 3 : 2);
  });

  test("can be sent again after its enrollment has gone on to its end, which stays as it is", async () => {
    const { enrollmentId, executionId } = await dropped("advance");
    const [, second] = await readExecutions(db, enrollmentId);
    await fireTimer(second?.id);
    const completed = await readEnrollment(db, enrollmentId);
    expect(completed.status).toBe("completed");

    await settle(executionId, "resend");
    await fireTimer(executionId);

    expect(await statuses(enrollmentId)).toEqual(["sent", "sent"]);
    expect(smtp.bodies[2]).toBe(smtp.bodies[0]);
    expect(await readEnrollment(db, enrollmentId)).toMatchObject({
      status: "completed",
      completedAt: completed.completedAt,
    });
  });
});

describe("under `resend`, an email in doubt", () => {
  test("is nothing to settle while it is sent again by itself; the next step follows the copy that was answered", async () => {
    const { enrollmentId, executionId } = await dropped("resend");
    expect(await settle(executionId, "sent")).toMatchObject({ settledIds: [], leftAlone: [{ status: "scheduled" }] });

    await fireTimer(executionId);

    const [, second] = await readExecutions(db, enrollmentId);
    expect(second).toMatchObject({ dueAt: new Date(clock.now().getTime() + 2 * HOUR) });
    expect(smtp.bodies[1]).toBe(smtp.bodies[0]);
  });

  test("whose attempts are used up waits for an operator, who can let it have as many again", async () => {
    const { enrollmentId, executionId } = await dropped("resend");
    smtp.play("drop_after_body");
    await fireTimer(executionId);
    await fireTimer(executionId);
    expect(await statuses(enrollmentId)).toEqual(["in_doubt"]);

    await settle(executionId, "resend");
    await fireTimer(executionId);
    smtp.play("accept");
    await fireTimer(executionId);

    expect(await statuses(enrollmentId)).toEqual(["sent", "scheduled"]);
    expect(new Set(smtp.bodies).size).toBe(1);
    expect(smtp.bodies).toHaveLength(5);
  });
});

test("of two settlements at once one counts, and at most one more copy goes out", async () => {
  const { enrollmentId, executionId } = await dropped("hold");
  const again = () => settle(executionId, "resend");
  const both = await atOnce(enrollmentId, [again, again]);
  expect(both.flatMap(({ settledIds }) => settledIds)).toEqual([executionId]);
  expect(both.flatMap(({ leftAlone }) => leftAlone)).toMatchObject([{ kind: "not_in_doubt", status: "scheduled" }]);

  await fireTimer(executionId);
  await fireTimer(executionId);
  expect(smtp.bodies).toHaveLength(2);
  expect(await statuses(enrollmentId)).toEqual(["sent", "scheduled"]);
});

test("a timer of before the settlement that fires in the same moment, or after it, sends nothing", async () => {
  const { executionId, wake } = await dropped("hold");
  const { generation } = await readExecution(db, executionId);

  await Promise.all([settle(executionId, "resend"), sendStep(deps, wake), sendStep(deps, { executionId, generation })]);
  await sendStep(deps, wake);
  await sendStep(deps, { executionId, generation });
  expect(smtp.bodies).toHaveLength(1);
  expect((await readExecution(db, executionId)).status).toBe("scheduled");

  await fireTimer(executionId);
  expect(smtp.bodies).toHaveLength(2);
});

test("whoever opted out since gets no second copy, although an operator asked for it before", async () => {
  const { executionId } = await dropped("hold");
  await settle(executionId, "resend");
  await db.query(
    `update contact set opted_out_at = now() where id = (select contact_id from sequence_enrollment n
       join step_execution e on e.enrollment_id = n.id where e.id = $1)`,
    [executionId],
  );
  await fireTimer(executionId);
  expect(smtp.bodies).toHaveLength(1);
  expect((await readExecution(db, executionId)).status).toBe("skipped");
});
