import { newId } from "@dripline/db/new-id";
import type { TimedWake } from "@dripline/queue/wake";
import { expect, test, vi } from "vitest";
import { wakeAfterCommit, wakeManyAfterCommit } from "./wake-after-commit.ts";

function wakes(count: number) {
  return Array.from({ length: count }, () => ({ executionId: newId(), generation: 1, at: new Date(0) }));
}

function unexpected(): never {
  throw new Error("nobody should have called this");
}

/** A queue that takes its time: each call waits until the test lets it go on. */
function slowQueue() {
  const taken: TimedWake[] = [];
  const waiting: (() => void)[] = [];
  const wake = async (batch: readonly TimedWake[]) => {
    await new Promise<void>((resolve) => waiting.push(resolve));
    taken.push(...batch);
  };
  return { queue: { wake }, taken, letOneGo: () => waiting.shift()?.() };
}

test("a queue that says nothing keeps nobody waiting for longer than two seconds, and is reported once", async () => {
  vi.useFakeTimers();
  const reported: unknown[] = [];
  let refuse: (error: Error) => void = () => {};
  const queue = { wake: () => new Promise<void>((_, reject) => (refuse = reject)) };

  const waking = wakeAfterCommit(queue, wakes(1), (error) => void reported.push(error));
  await vi.advanceTimersByTimeAsync(2_000);
  await waking;
  refuse(new Error("too late"));
  vi.useRealTimers();

  expect(reported).toEqual([new Error("the queue did not answer within 2 s")]);
});

test("up to a thousand timers are in the queue when the caller goes on", async () => {
  const taken: TimedWake[] = [];
  const queue = { wake: async (batch: readonly TimedWake[]) => void taken.push(...batch) };
  const all = wakes(1_000);

  await wakeManyAfterCommit(queue, all, unexpected);

  expect(taken).toEqual(all);
});

test("for more of them the caller does not wait; they go in thousand by thousand", async () => {
  const { queue, taken, letOneGo } = slowQueue();
  const all = wakes(2_500);

  await wakeManyAfterCommit(queue, all, unexpected);
  expect(taken).toEqual([]);

  for (const count of [1_000, 2_000, 2_500]) {
    letOneGo();
    await expect.poll(() => taken.length).toBe(count);
  }
  expect(taken).toEqual(all);
});

test.each([10, 2_500])("what the queue does not take is reported, never thrown (%i timers)", async (count) => {
  const down = new Error("the queue is down");
  const reported: unknown[] = [];
  const queue = { wake: () => Promise.reject(down) };

  await wakeManyAfterCommit(queue, wakes(count), (error) => void reported.push(error));

  await expect.poll(() => reported).toEqual([down]);
});

test("without a timer nobody asks the queue", async () => {
  await wakeManyAfterCommit({ wake: unexpected }, [], unexpected);
});
