import { insertExecution, readEvents, readExecution } from "@dripline/db/testing/executions";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { beforeEach, expect, test } from "vitest";
import { makeWakeHandler } from "./handle-wake.ts";
import { startWorkerAt } from "./testing/worker-at.ts";

const start = new Date("2031-05-05T08:00:00.000Z");
const worker = await startWorkerAt(start);
const { db, smtp } = worker;

/** How many emails are between wake-up and recorded reply, and the most there ever were. */
const inHand = { now: 0, max: 0 };
const deps = {
  ...worker.deps,
  onCheckpoint(checkpoint: string) {
    if (checkpoint === "woken") {
      inHand.now += 1;
      inHand.max = Math.max(inHand.max, inHand.now);
    }
    if (checkpoint === "recorded") inHand.now -= 1;
  },
};

beforeEach(() => {
  smtp.bodies.length = 0;
  Object.assign(inHand, { now: 0, max: 0 });
});

async function makeDue(values: Parameters<typeof insertExecution>[3] = {}) {
  const [sequence, contact] = [await makeSequence(db, { steps: [{}] }), await makeContact(db)];
  const { executionId } = await insertExecution(db, sequence, contact.id, { scheduledFor: start, ...values });
  return { executionId, generation: values.generation ?? 0 };
}

const sixTimes = <T>(make: () => Promise<T>) => Promise.all(Array.from({ length: 6 }, make));

test("emails that were in hand when a worker died go out side by side", async () => {
  const wakes = await sixTimes(() => makeDue());
  const handle = makeWakeHandler(deps);
  await Promise.all(wakes.map((wake) => handle(wake, 1)));
  expect(smtp.bodies).toHaveLength(6);
  expect(inHand.max).toBeGreaterThan(1);
  for (const { executionId } of wakes)
    expect(await readExecution(db, executionId)).toMatchObject({ status: "sent", workerLosses: 1 });
});

test("emails that were in hand when a second worker died are tried one at a time, and go out", async () => {
  const wakes = await sixTimes(() => makeDue({ workerLosses: 1 }));
  const handle = makeWakeHandler(deps);
  await Promise.all(wakes.map((wake) => handle(wake, 1)));
  expect(smtp.bodies).toHaveLength(6);
  expect(inHand.max).toBe(1);
  for (const { executionId } of wakes)
    expect(await readExecution(db, executionId)).toMatchObject({ status: "sent", workerLosses: 2 });
});

test("so are those whose death was counted at the end of their lease, without being counted again", async () => {
  const wakes = await sixTimes(() => makeDue({ generation: 2, workerLosses: 4 }));
  const handle = makeWakeHandler(deps);
  await Promise.all(wakes.map((wake) => handle(wake, 0)));
  expect(smtp.bodies).toHaveLength(6);
  expect(inHand.max).toBe(1);
  for (const { executionId } of wakes) expect(await readExecution(db, executionId)).toMatchObject({ workerLosses: 4 });
});

test("all others go side by side", async () => {
  const wakes = await sixTimes(() => makeDue());
  const handle = makeWakeHandler(deps);
  await Promise.all(wakes.map((wake) => handle(wake, 0)));
  expect(smtp.bodies).toHaveLength(6);
  expect(inHand.max).toBeGreaterThan(1);
});

test("at the fifth death it is not tried any more", async () => {
  const wake = await makeDue({ workerLosses: 4 });
  expect(await makeWakeHandler(deps)(wake, 1)).toEqual({ kind: "done" });
  expect(inHand.max).toBe(0);
  expect(await readExecution(db, wake.executionId)).toMatchObject({ status: "failed", workerLosses: 5 });
  expect(await readEvents(db, wake.executionId)).toMatchObject([{ kind: "failed", reason: "worker_lost_repeatedly" }]);
});

test("a worker that is told to stop counts nothing and leaves it to another", async () => {
  const wake = await makeDue({ workerLosses: 4 });
  const stopping = AbortSignal.abort();
  expect(await makeWakeHandler({ ...deps, stopping })(wake, 1)).toMatchObject({ kind: "again" });
  expect(await readExecution(db, wake.executionId)).toMatchObject({ status: "scheduled", workerLosses: 4 });
});

test("a wake-up whose worker died after the claim counts nothing and sends nothing: its generation is over", async () => {
  const { executionId } = await makeDue({ generation: 2, workerLosses: 1 });
  expect(await makeWakeHandler(deps)({ executionId, generation: 0 }, 1)).toEqual({ kind: "done" });
  expect(await readExecution(db, executionId)).toMatchObject({ status: "scheduled", workerLosses: 1 });
  expect(smtp.bodies).toEqual([]);
});
