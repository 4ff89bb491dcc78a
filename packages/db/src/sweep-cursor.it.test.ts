import { freshDatabase } from "@dripline/testkit/database";
import { expect, test } from "vitest";
import { advanceSweepCursor, readSweepCursor, setSweepCursor } from "./sweep-cursor.ts";

const { pool: db } = await freshDatabase();
const [early, late] = [new Date("2026-03-02T20:00:00Z"), new Date("2026-03-02T21:00:00Z")];

test("a sweep has no cursor before it ran, and the database's clock comes with it", async () => {
  const { at, now } = await readSweepCursor(db, "never");
  expect(at).toBeNull();
  expect(Math.abs(now.getTime() - Date.now())).toBeLessThan(60_000);
});

test("of two workers that move a cursor, the one that has come further decides", async () => {
  await advanceSweepCursor(db, "walk", late);
  await advanceSweepCursor(db, "walk", early);
  expect((await readSweepCursor(db, "walk")).at).toEqual(late);
});

test("a walk that begins again takes its cursor back, and nobody else's", async () => {
  await setSweepCursor(db, "round", late);
  await setSweepCursor(db, "other", late);
  await setSweepCursor(db, "round", early);
  expect((await readSweepCursor(db, "round")).at).toEqual(early);
  expect((await readSweepCursor(db, "other")).at).toEqual(late);
});
