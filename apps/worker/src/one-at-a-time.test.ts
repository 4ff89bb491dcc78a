import { expect, test, vi } from "vitest";
import { makeOneAtATime } from "./one-at-a-time.ts";

test("each waits for the one before it, in the order of the calls, and a failure is the caller's alone", async () => {
  const oneAtATime = makeOneAtATime(3_600);
  const log: string[] = [];
  const work = (name: string) => async () => {
    log.push(`${name} begins`);
    await Promise.resolve();
    log.push(`${name} ends`);
    if (name === "b") throw new Error("b failed");
    return name;
  };

  const results = await Promise.allSettled(["a", "b", "c"].map((name) => oneAtATime(work(name))));

  expect(log).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
  expect(results.map((result) => result.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
});

test("what takes longer than the limit goes on, and the next begins", async () => {
  vi.useFakeTimers();
  try {
    const oneAtATime = makeOneAtATime(30);
    let hasBegun = false;
    void oneAtATime(() => new Promise(() => {}));
    const next = oneAtATime(async () => (hasBegun = true));
    await vi.advanceTimersByTimeAsync(29_000);
    expect(hasBegun).toBe(false);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await next).toBe(true);
  } finally {
    vi.useRealTimers();
  }
});
