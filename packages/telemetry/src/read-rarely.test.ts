import { expect, test } from "vitest";
import { readRarely } from "./read-rarely.ts";

test("however many ask within the time, it is read once, and once more after it", async () => {
  let now = 0;
  let reads = 0;
  const read = readRarely(async () => ++reads, { seconds: 5, monotonic: () => now });

  expect(await Promise.all([read(), read(), read()])).toEqual([1, 1, 1]);
  now = 4_999;
  expect(await read()).toBe(1);
  now = 5_000;
  expect(await read()).toBe(2);
});

test("a source that fails is not asked any more often", async () => {
  let reads = 0;
  const read = readRarely(
    async () => {
      reads += 1;
      throw new Error("away");
    },
    { seconds: 5, monotonic: () => 0 },
  );

  await expect(read()).rejects.toThrow("away");
  await expect(read()).rejects.toThrow("away");
  expect(reads).toBe(1);
});
