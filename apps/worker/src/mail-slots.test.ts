import { EventEmitter, once } from "node:events";
import { expect, test } from "vitest";
import { makeMailSlots } from "./mail-slots.ts";

const never = new AbortController().signal;

/** Work that ends when told to, and tells when it began. */
function makeWork(name: string, begun: string[]) {
  const ending = new EventEmitter();
  const work = async (): Promise<string> => {
    begun.push(name);
    await once(ending, "end"); // rejects on "error"
    return name;
  };
  return { work, end: () => ending.emit("end"), fail: () => ending.emit("error", new Error(name)) };
}

async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test("no more works at a time than there are slots, and who waits comes in the order of the calls", async () => {
  const begun: string[] = [];
  const slots = makeMailSlots(2, never);
  const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => makeWork(name, begun)) as [Made, Made, Made, Made];
  const results = [a, b, c, d].map((one) => slots.use(one.work));
  await settle();
  expect(begun).toEqual(["a", "b"]);

  b.end();
  await settle();
  expect(begun).toEqual(["a", "b", "c"]);

  a.end();
  await settle();
  expect(begun).toEqual(["a", "b", "c", "d"]);
  c.end();
  d.end();
  expect(await Promise.all(results)).toEqual(["a", "b", "c", "d"]);
});

test("a slot whose work failed is free again", async () => {
  const begun: string[] = [];
  const slots = makeMailSlots(1, never);
  const [a, b] = [makeWork("a", begun), makeWork("b", begun)];
  const failing = slots.use(a.work);
  const next = slots.use(b.work);

  await settle();
  a.fail();
  await expect(failing).rejects.toThrow("a");
  await settle();
  b.end();
  expect(await next).toBe("b");
});

test("nobody waits for a slot any more once the process is told to stop", async () => {
  const begun: string[] = [];
  const stop = new AbortController();
  const slots = makeMailSlots(1, stop.signal);
  const [a, b, c] = [makeWork("a", begun), makeWork("b", begun), makeWork("c", begun)];
  void slots.use(a.work);
  void slots.use(b.work);
  await settle();
  expect(begun).toEqual(["a"]);

  stop.abort();
  void slots.use(c.work);
  await settle();
  expect(begun.toSorted()).toEqual(["a", "b", "c"]);
});

type Made = ReturnType<typeof makeWork>;
