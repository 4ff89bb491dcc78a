import { freshDatabase } from "@dripline/testkit/database";
import { fixClock } from "@dripline/testkit/fixed-clock";
import { expect, test } from "vitest";
import { makeQuotaPruning } from "./prune-quotas.ts";

const { url, pool: db } = await freshDatabase();
const clock = await fixClock(url, new Date("2026-03-02T09:00:00Z"));

async function insertDays(...days: string[]): Promise<void> {
  await db.query("insert into send_quota (scope, day) select 'sequence:x', unnest($1::date[])", [days]);
}

test("counts of dates long over are pruned once a day, and no others", async () => {
  const prune = makeQuotaPruning({ db, now: clock.now });
  // Forty days before 2 March is 21 January.
  await insertDays("2025-03-02", "2026-01-20", "2026-01-21", "2026-03-02", "2026-03-03");
  expect(await prune()).toBe(2);
  await insertDays("2025-03-02");
  expect(await prune()).toBe(0);
  await clock.jumpTo(new Date("2026-03-03T09:00:00Z"));
  expect(await prune()).toBe(2);
});
