import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";

test("every character of the bundle is in Latin-1, so that V8 keeps it in one byte each", async () => {
  const bundle = await readFile(new URL("../dist/main.js", import.meta.url), "utf8");
  expect([...bundle.matchAll(/.{0,40}[\u0100-\uffff].{0,40}/g)].map(([around]) => around)).toEqual([]);
});
