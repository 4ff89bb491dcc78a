import { type Database, inTransaction } from "@dripline/db/database";
import { lockSequence } from "@dripline/db/queries/lock-sequence";
import { findSequenceEnrollment } from "@dripline/db/queries/read-sequence-enrollments";
import { isSomebodyWaiting, readEnrollment, readEvents, readExecutions } from "@dripline/db/testing/executions";
import { REAL_PACE } from "@dripline/domain/delay";
import { publishDraft } from "@dripline/engine/publish-draft";
import { changed, editSteps, kept, newStep, publish } from "@dripline/engine/testing/publishing";
import { type MadeStep, makeContact, makeSequence, makeTemplate } from "@dripline/testkit/factories";
import { waitFor } from "@dripline/testkit/wait-for";
import { beforeEach, describe, expect, test } from "vitest";
import type { SendDeps } from "./send-deps.ts";
import { sendStep } from "./send-step.ts";
import { enrollNow, openExecution, startWorkerAt } from "./testing/worker-at.ts";

const start = new Date("2026-11-23T03:00:00Z");
const worker = await startWorkerAt(start);
const { db, clock, deps, smtp, woken } = worker;
const inDays = (value: number) => ({ delay: { value, unit: "days" } }) as const;

beforeEach(async () => {
  await clock.jumpTo(start);
  smtp.play("accept");
  smtp.bodies.length = 0;
  woken.length = 0;
});

/** Somebody whose first email is due now. */
async function due(steps: readonly MadeStep[] = [inDays(0), inDays(3), inDays(3)]) {
  const sequence = await makeSequence(db, { steps });
  const { id: contactId } = await makeContact(db);
  const enrollmentId = await enrollNow(worker, { sequenceId: sequence.id, contactId });
  const wake = await openExecution(worker, enrollmentId);
  if (wake === undefined) throw new Error("nothing is open");
  return { sequence, enrollmentId, wake };
}

type Edit = Parameters<typeof editSteps>[3];

async function editAndPublish(sequenceId: string, edit: Edit): Promise<void> {
  await editSteps(db, sequenceId, clock.now(), edit);
  const result = await publish(db, sequenceId, clock.now());
  if (result.kind !== "published") throw new Error(`not published: ${result.kind}`);
}

/** The same worker, but with the message at the mail server somebody publishes. */
function whileSending(happens: () => Promise<void>): SendDeps {
  const { transport } = deps;
  const deliver: typeof transport.deliver = async (message, onBeforeBody) =>
    transport.deliver(message, async () => {
      const mayLeave = await onBeforeBody();
      await happens();
      return mayLeave;
    });
  return { ...deps, transport: { ...transport, deliver } };
}

/** The same worker, but somebody publishes right before the claim: the message is made from what was before. */
function beforeTheClaim(happens: () => Promise<void>): SendDeps {
  const query = async (...args: Parameters<Database["query"]>) => {
    if ((args[0] as unknown as { name?: string }).name === "claim-executions") await happens();
    return db.query(...args);
  };
  return {
    ...deps,
    db: new Proxy(db, { get: (target, name) => (name === "query" ? query : Reflect.get(target, name)) }),
  };
}

/** Sends everything that is still to come, each at its time. */
async function sendAll(enrollmentId: string): Promise<void> {
  for (let open = await openExecution(worker, enrollmentId); open; open = await openExecution(worker, enrollmentId)) {
    await clock.jumpTo(open.scheduledFor);
    await sendStep(deps, open);
  }
}

const keysOf = async (enrollmentId: string) =>
  (await readExecutions(db, enrollmentId))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ stepKey, status, stepNumber }) => ({ stepKey, status, stepNumber }));

describe("a publish while an email is at the mail server", () => {
  test("leaves it alone: its end is recorded in the new version, and the next step comes from there, once", async () => {
    const { sequence, enrollmentId, wake } = await due();
    const [first, second, third] = sequence.stepIds;
    const publishing = () =>
      editAndPublish(sequence.id, ([one, two, three]) => [kept(one), newStep(one, inDays(5)), kept(three), kept(two)]);

    await sendStep(whileSending(publishing), wake);

    const [sent, next, ...rest] = await keysOf(enrollmentId);
    expect(rest).toEqual([]);
    expect([sent, next]).toMatchObject([
      { stepKey: first, status: "sent", stepNumber: 1 },
      { status: "scheduled", stepNumber: 2 },
    ]);
    expect(await openExecution(worker, enrollmentId)).toMatchObject({
      scheduledFor: new Date(start.getTime() + 5 * 86_400_000),
    });
    await sendAll(enrollmentId);
    expect((await keysOf(enrollmentId)).map(({ stepKey }) => stepKey)).toEqual([first, next?.stepKey, third, second]);
    expect(smtp.bodies).toHaveLength(4);
    expect(await readEnrollment(db, enrollmentId)).toMatchObject({ status: "completed", currentStepNumber: 4 });
  });

  test("that deletes it: it counts as sent, and the progress as far as the new version has its steps", async () => {
    const { sequence, enrollmentId, wake } = await due();

    await sendStep(
      whileSending(() => editAndPublish(sequence.id, ([, ...rest]) => rest)),
      wake,
    );

    expect(await keysOf(enrollmentId)).toMatchObject([
      { stepKey: sequence.stepIds[0], status: "sent" },
      { stepKey: sequence.stepIds[1], status: "scheduled", stepNumber: 1 },
    ]);
    expect(await readEnrollment(db, enrollmentId)).toMatchObject({ currentStepNumber: 0 });
  });

  test("that changes it: if the server asks to come again, the new content goes out", async () => {
    const { sequence, enrollmentId, wake } = await due();
    const templateId = await makeTemplate(db, { subject: "The new subject" });
    smtp.play({ refuseBody: { code: 451, text: "try again" } });

    await sendStep(
      whileSending(() => editAndPublish(sequence.id, ([one, ...rest]) => [changed(one, { templateId }), ...rest])),
      wake,
    );
    smtp.play("accept");
    smtp.bodies.length = 0;
    const again = await openExecution(worker, enrollmentId);
    await clock.jumpTo(again?.scheduledFor ?? start);
    await sendStep(deps, again ?? wake);

    expect(smtp.bodies).toHaveLength(1);
    expect(smtp.bodies[0]).toContain("The new subject");
    expect(await keysOf(enrollmentId)).toMatchObject([{ status: "sent" }, { status: "scheduled" }]);
  });

  test("that deletes it: if the server asks to come again, it is skipped, and the next one opens", async () => {
    const { sequence, enrollmentId, wake } = await due();
    smtp.play({ refuseBody: { code: 451, text: "try again" } });

    await sendStep(
      whileSending(() => editAndPublish(sequence.id, ([, ...rest]) => rest)),
      wake,
    );
    smtp.play("accept");
    smtp.bodies.length = 0;
    const again = await openExecution(worker, enrollmentId);
    await clock.jumpTo(again?.scheduledFor ?? start);
    await sendStep(deps, again ?? wake);

    expect(smtp.bodies).toEqual([]);
    expect(await keysOf(enrollmentId)).toMatchObject([
      { stepKey: sequence.stepIds[0], status: "skipped" },
      { stepKey: sequence.stepIds[1], status: "scheduled", stepNumber: 1 },
    ]);
    const events = await readEvents(db, wake.executionId);
    expect(events.at(-1)).toMatchObject({
      kind: "skipped",
      reason: "step_deleted",
      message: expect.stringContaining("Step 1 was deleted"),
    });
  });
});

describe("a publish between the message and its claim", () => {
  test("stops the old message, and the second look sends the new content, with the same timer", async () => {
    const { sequence, enrollmentId, wake } = await due();
    const templateId = await makeTemplate(db, { subject: "The new subject" });

    const verdict = await sendStep(
      beforeTheClaim(() => editAndPublish(sequence.id, ([one, ...rest]) => [changed(one, { templateId }), ...rest])),
      wake,
    );

    expect(verdict).toMatchObject({ kind: "again" });
    expect(smtp.bodies).toEqual([]);
    await sendStep(deps, wake);
    expect(smtp.bodies).toHaveLength(1);
    expect(smtp.bodies[0]).toContain("The new subject");
    expect(await keysOf(enrollmentId)).toMatchObject([{ status: "sent" }, { status: "scheduled" }]);
  });

  test("that moves them on: the old message never leaves", async () => {
    const { sequence, enrollmentId, wake } = await due();

    await sendStep(
      beforeTheClaim(() => editAndPublish(sequence.id, ([, ...rest]) => rest)),
      wake,
    );
    await sendStep(deps, wake);

    expect(smtp.bodies).toEqual([]);
    expect(await keysOf(enrollmentId)).toMatchObject([{ status: "skipped" }, { status: "scheduled" }]);
  });

  test("that gives it another time: the old wake-up is over", async () => {
    const { sequence, enrollmentId, wake } = await due();

    await sendStep(
      beforeTheClaim(() => editAndPublish(sequence.id, ([one, ...rest]) => [changed(one, inDays(2)), ...rest])),
      wake,
    );

    expect(await sendStep(deps, wake)).toEqual({ kind: "done" });
    expect(smtp.bodies).toEqual([]);
    await sendAll(enrollmentId);
    expect(smtp.bodies).toHaveLength(3);
  });
});

test("an outcome that is recorded while somebody publishes waits for them, and is planned from the new version", async () => {
  const { sequence, enrollmentId, wake } = await due();
  await editSteps(db, sequence.id, start, ([one, , three]) => [kept(one), kept(three)]);
  let sending: Promise<unknown> | undefined;
  await inTransaction(db, async (tx) => {
    // The enrollment is taken first, so that the claim is still possible and the record is not.
    await tx.query("select from sequence_enrollment where id = $1 for update", [enrollmentId]);
    sending = sendStep(deps, wake);
    await waitFor(() => isSomebodyWaiting(db), { timeoutMilliseconds: 10_000, describe: "the record to wait" });
    const locked = await lockSequence(tx, sequence.id);
    if (locked === undefined) throw new Error("it is there");
    const request = { inFlight: "follow", isDryRun: false, now: start, pace: REAL_PACE, actor: "test" } as const;
    expect(await publishDraft(tx, locked, request)).toMatchObject({ kind: "published" });
  });
  await sending;

  expect(await keysOf(enrollmentId)).toMatchObject([
    { stepKey: sequence.stepIds[0], status: "sent", stepNumber: 1 },
    { stepKey: sequence.stepIds[2], status: "scheduled", stepNumber: 2 },
  ]);
});

test("people who are pinned get every step of their version, and none of the new one", async () => {
  const { sequence, enrollmentId } = await due();
  await editSteps(db, sequence.id, start, ([one]) => [newStep(one), newStep(one)]);
  const result = await publish(db, sequence.id, start, { inFlight: "pin" });
  expect(result.kind).toBe("published");

  await sendAll(enrollmentId);

  expect((await keysOf(enrollmentId)).map(({ stepKey }) => stepKey)).toEqual(sequence.stepIds);
  expect(await readEnrollment(db, enrollmentId)).toMatchObject({ status: "completed", currentStepNumber: 3 });
});

test("whoever has what an edit puts elsewhere does not get it twice", async () => {
  const { sequence, enrollmentId, wake } = await due();
  await sendStep(deps, wake);
  const [first, second, third] = sequence.stepIds;
  await editAndPublish(sequence.id, ([one, two, three]) => [kept(three), kept(two), kept(one)]);

  await sendAll(enrollmentId);

  expect((await keysOf(enrollmentId)).map(({ stepKey }) => stepKey)).toEqual([first, second, third]);
  expect(smtp.bodies).toHaveLength(3);
  expect(await readEnrollment(db, enrollmentId)).toMatchObject({ status: "completed" });
});

describe("whoever waits at a step still gets what an edit puts before it", () => {
  test.each([
    ["A, C, B", [0, 2, 1]],
    ["C, B, A", [2, 1, 0]],
    ["B, C, A", [1, 2, 0]],
    ["C, A, B", [2, 0, 1]],
  ])("and their progress counts what they have had, wherever it stands now: %s", async (_, order) => {
    const { sequence, enrollmentId, wake } = await due();
    await sendStep(deps, wake);
    await editAndPublish(sequence.id, (steps) => order.map((index) => kept(steps[index])));

    const progress: string[] = [];
    for (let open = await openExecution(worker, enrollmentId); open; open = await openExecution(worker, enrollmentId)) {
      const enrollment = await findSequenceEnrollment(db, enrollmentId);
      progress.push(`${enrollment?.steps_done}/${enrollment?.steps_total}`);
      await clock.jumpTo(open.scheduledFor);
      await sendStep(deps, open);
    }

    expect(progress).toEqual(["1/3", "2/3"]);
    expect(await findSequenceEnrollment(db, enrollmentId)).toMatchObject({ steps_done: 3, status: "completed" });
  });

  test("and not what is new there: the rest comes in its new order, each once", async () => {
    const { sequence, enrollmentId, wake } = await due([inDays(0), inDays(3), inDays(3), inDays(3)]);
    await sendStep(deps, wake);
    const [first, second, third, fourth] = sequence.stepIds;
    await editAndPublish(sequence.id, ([one, two, three, four]) => [
      kept(one),
      kept(four),
      newStep(one),
      kept(three),
      kept(two),
    ]);

    await sendAll(enrollmentId);

    expect(await keysOf(enrollmentId)).toEqual([
      { stepKey: first, status: "sent", stepNumber: 1 },
      { stepKey: second, status: "sent", stepNumber: 5 },
      { stepKey: fourth, status: "sent", stepNumber: 2 },
      { stepKey: third, status: "sent", stepNumber: 4 },
    ]);
    expect(await readEnrollment(db, enrollmentId)).toMatchObject({ status: "completed", currentStepNumber: 5 });
  });

  test("through one more publish; what that one deletes is not owed any more", async () => {
    const { sequence, enrollmentId, wake } = await due([inDays(0), inDays(3), inDays(3), inDays(3)]);
    await sendStep(deps, wake);
    const [first, second, third] = sequence.stepIds;
    await editAndPublish(sequence.id, ([one, two, three, four]) => [kept(one), kept(three), kept(four), kept(two)]);
    await editAndPublish(sequence.id, ([one, three, , two]) => [kept(three), newStep(one), kept(one), kept(two)]);

    await sendAll(enrollmentId);

    expect((await keysOf(enrollmentId)).map(({ stepKey }) => stepKey)).toEqual([first, second, third]);
    expect(smtp.bodies).toHaveLength(3);
    expect(await readEnrollment(db, enrollmentId)).toMatchObject({ status: "completed", currentStepNumber: 4 });
  });

  test("also if the one they wait at is deleted", async () => {
    const { sequence, enrollmentId, wake } = await due();
    await sendStep(deps, wake);
    const [first, second, third] = sequence.stepIds;
    await editAndPublish(sequence.id, ([one, , three]) => [kept(three), kept(one)]);

    await sendAll(enrollmentId);

    expect(await keysOf(enrollmentId)).toMatchObject([
      { stepKey: first, status: "sent" },
      { stepKey: second, status: "skipped" },
      { stepKey: third, status: "sent", stepNumber: 1 },
    ]);
    expect(await readEnrollment(db, enrollmentId)).toMatchObject({ status: "completed" });
  });

  test("while it is at the mail server", async () => {
    const { sequence, enrollmentId, wake } = await due();
    const [first, second, third] = sequence.stepIds;
    const publishing = () => editAndPublish(sequence.id, ([one, two, three]) => [kept(three), kept(two), kept(one)]);

    await sendStep(whileSending(publishing), wake);
    await sendAll(enrollmentId);

    expect((await keysOf(enrollmentId)).map(({ stepKey }) => stepKey)).toEqual([first, third, second]);
    expect(await readEnrollment(db, enrollmentId)).toMatchObject({ status: "completed", currentStepNumber: 3 });
  });
});
