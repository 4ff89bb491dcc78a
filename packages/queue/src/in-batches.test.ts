import { expect, onTestFinished, test, vi } from "vitest";
import { inBatches } from "./in-batches.ts";

interface Item {
  readonly key: string;
  readonly isBad?: boolean;
}

/** Answers each key in capitals; remembers the lists, and lets the test decide when each ends. */
function start({
  runsMax = 1,
  sizeMax = 100,
  isHeld = false,
  patienceMilliseconds = 60_000,
  gatherMilliseconds = 0,
} = {}) {
  const lists: string[][] = [];
  const held: (() => void)[] = [];
  const ask = inBatches<Item, string>({
    run: async (items) => {
      lists.push(items.map(({ key }) => key));
      if (isHeld) await new Promise<void>((resolve) => held.push(resolve));
      if (items.some(({ isBad }) => isBad)) throw new Error("cannot go through");
      return items.map(({ key }) => (key === "gone" ? undefined : key.toUpperCase()));
    },
    keyOf: ({ key }) => key,
    runsMax,
    sizeMax,
    patienceMilliseconds,
    gatherMilliseconds,
  });
  return { ask, lists, letOneEnd: () => held.shift()?.() };
}

const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

test("what is asked for in one turn goes together, and everybody gets their own answer", async () => {
  const { ask, lists } = start();
  expect(await Promise.all([ask({ key: "a" }), ask({ key: "gone" }), ask({ key: "c" })])).toEqual([
    "A",
    undefined,
    "C",
  ]);
  expect(lists).toEqual([["a", "gone", "c"]]);
});

test("what comes while a list is under way goes together in the next one", async () => {
  const { ask, lists, letOneEnd } = start({ isHeld: true });
  const first = ask({ key: "a" });
  await turn();
  const later = [ask({ key: "b" }), ask({ key: "c" })];
  await turn();
  expect(lists).toEqual([["a"]]);
  letOneEnd();
  expect(await first).toBe("A");
  await turn();
  letOneEnd();
  expect(await Promise.all(later)).toEqual(["B", "C"]);
  expect(lists).toEqual([["a"], ["b", "c"]]);
});

test("two items with the same key never share a list: only one of them can have moved the row", async () => {
  const { ask, lists } = start();
  await Promise.all([ask({ key: "a" }), ask({ key: "a" }), ask({ key: "b" }), ask({ key: "a" })]);
  expect(lists).toEqual([["a", "b"], ["a"], ["a"]]);
});

test("a list that fails is tried one by one, so that one bad item fails alone", async () => {
  const { ask, lists } = start();
  const answers = await Promise.allSettled([ask({ key: "a" }), ask({ key: "b", isBad: true }), ask({ key: "c" })]);
  expect(answers.map((answer) => (answer.status === "fulfilled" ? answer.value : "failed"))).toEqual([
    "A",
    "failed",
    "C",
  ]);
  expect(lists).toEqual([["a", "b", "c"], ["a"], ["b"], ["c"]]);
});

test("a list that takes long does not keep the next ones waiting, up to as many as may run at once", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const { ask, lists, letOneEnd } = start({ isHeld: true, runsMax: 2, patienceMilliseconds: 50 });
  const asked: Promise<unknown>[] = [];
  for (const key of ["a", "b", "c"]) {
    asked.push(ask({ key }));
    vi.advanceTimersByTime(50);
    await turn();
  }
  expect(lists).toEqual([["a"], ["b"]]);
  for (const _ of asked) {
    letOneEnd();
    await turn();
  }
  await Promise.all(asked);
  expect(lists).toEqual([["a"], ["b"], ["c"]]);
});

test("a list that is quick is waited for, so that the next one is for more", async () => {
  const { ask, lists, letOneEnd } = start({ isHeld: true, runsMax: 2 });
  const asked: Promise<unknown>[] = [];
  for (const key of ["a", "b", "c"]) {
    asked.push(ask({ key }));
    await turn();
  }
  expect(lists).toEqual([["a"]]);
  letOneEnd();
  await turn();
  letOneEnd();
  await Promise.all(asked);
  expect(lists).toEqual([["a"], ["b", "c"]]);
});

test("a list is no longer than it may be", async () => {
  const { ask, lists } = start({ sizeMax: 2 });
  await Promise.all(["a", "b", "c"].map((key) => ask({ key })));
  expect(lists).toEqual([["a", "b"], ["c"]]);
});

test("where there is much to do the next list waits for more, and where there is little nothing waits", async () => {
  const { ask, lists } = start({ gatherMilliseconds: 50 });
  await Promise.all("abcd".split("").map((key) => ask({ key })));
  const first = ask({ key: "e" });
  await turn();
  const later = ask({ key: "f" });
  await Promise.all([first, later]);
  expect(lists).toEqual([
    ["a", "b", "c", "d"],
    ["e", "f"],
  ]);

  const alone = ask({ key: "g" });
  await turn();
  expect(lists).toHaveLength(3);
  await alone;
});

test("a full list waits for nobody", async () => {
  const { ask, lists } = start({ gatherMilliseconds: 60_000, sizeMax: 4 });
  await Promise.all("abcdefgh".split("").map((key) => ask({ key })));
  expect(lists).toEqual([
    ["a", "b", "c", "d"],
    ["e", "f", "g", "h"],
  ]);
});
