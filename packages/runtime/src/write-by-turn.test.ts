import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { writeByTurn } from "./write-by-turn.ts";

function start() {
  const written: string[] = [];
  let flush = (): void => {};
  const stream = writeByTurn({ write: (text) => void written.push(text) }, (given) => {
    flush = given;
  });
  return { stream, written, exit: () => flush() };
}

test("the lines of one turn are written together, in their order, and those of the next after them", async () => {
  const { stream, written } = start();
  stream.write("a\n");
  stream.write("b\n");
  await turn();
  stream.write("c\n");
  await turn();
  expect(written).toEqual(["a\nb\n", "c\n"]);
});

test("a process that ends writes what it has, once", async () => {
  const { stream, written, exit } = start();
  stream.write("a\n");
  exit();
  expect(written).toEqual(["a\n"]);
  await turn();
  expect(written).toEqual(["a\n"]);
});
