import { freshDatabase } from "@dripline/testkit/database";
import { expect, test } from "vitest";
import { DatabaseClock } from "./database-clock.ts";

const { pool } = await freshDatabase();

async function databaseNow(): Promise<number> {
  const { rows } = await pool.query<{ now: Date }>("select clock_timestamp() as now");
  return rows[0]?.now.getTime() ?? Number.NaN;
}

test("tells the database's time, whatever this machine's clock says", async () => {
  const clock = new DatabaseClock(() => performance.now());
  await clock.sync(pool);
  const machineNow = Date.now;
  try {
    Date.now = () => machineNow() + 2 * 3_600_000;
    expect(Math.abs(clock.now().getTime() - (await databaseNow()))).toBeLessThan(1_000);
  } finally {
    Date.now = machineNow;
  }
});

test("goes on by the monotonic clock between two readings", async () => {
  let monotonic = 5_000;
  const clock = new DatabaseClock(() => monotonic);
  const read = await clock.sync(pool);
  monotonic += 1_234;
  expect(clock.now().getTime()).toBe((read?.getTime() ?? 0) + 1_234);
});

test("a reading that took longer than a second changes nothing, because nobody knows when it was taken", async () => {
  let monotonic = 0;
  let step = 0;
  const clock = new DatabaseClock(() => (monotonic += step));
  const read = await clock.sync(pool);
  step = 2_000;
  expect(await clock.sync(pool)).toBeUndefined();
  step = 0;
  expect(clock.now().getTime()).toBe((read?.getTime() ?? 0) + 4_000);
});

test("cannot be asked before it was set", () => {
  expect(() => new DatabaseClock(() => 0).now()).toThrow("never read");
});
