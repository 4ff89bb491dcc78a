import type { TimedWake } from "@dripline/queue/wake";
import { expect, test } from "vitest";
import { wakeInBatches } from "./wake-in-batches.ts";

const at = new Date("2026-11-23T03:00:00Z");
const wake = (executionId: string): TimedWake => ({ executionId, generation: 0, at });

/** A queue that writes down what it is given; the wakes of `bad` it does not take. */
function start(bad: readonly string[] = []) {
  const calls: { ids: string[]; rescue: string | undefined }[] = [];
  const queue = wakeInBatches({
    async wake(wakes, options) {
      calls.push({ ids: wakes.map(({ executionId }) => executionId), rescue: options?.rescue });
      if (wakes.some(({ executionId }) => bad.includes(executionId))) throw new Error("not taken");
    },
  });
  return { queue, calls };
}

test("timers that are set in one moment go into the queue together", async () => {
  const { queue, calls } = start();
  await Promise.all(["a", "b", "c"].map((id) => queue.wake([wake(id)])));
  expect(calls).toEqual([{ ids: ["a", "b", "c"], rescue: undefined }]);
});

test("lists and rescues go as they are", async () => {
  const { queue, calls } = start();
  await Promise.all([queue.wake([wake("a"), wake("b")]), queue.wake([wake("c")], { rescue: "r" }), queue.wake([])]);
  expect(calls).toEqual([
    { ids: ["a", "b"], rescue: undefined },
    { ids: ["c"], rescue: "r" },
    { ids: [], rescue: undefined },
  ]);
});

test("whose timer is not taken hears of it, and nobody else", async () => {
  const { queue } = start(["b"]);
  const answers = await Promise.allSettled(["a", "b", "c"].map((id) => queue.wake([wake(id)])));
  expect(answers.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
});
