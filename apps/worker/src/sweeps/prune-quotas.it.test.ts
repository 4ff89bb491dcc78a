import { freshDatabase } from "@dripline/testkit/database";
import { fixClock } from "@dripline/testkit/fixed-clock";
import { expect, test } from "vitest";
import { makeSweepDeps } from "../testing/sweep-deps.ts";
import { pruneQuotas } from "./prune-quotas.ts";

const { url, pool: db } = await freshDatabase();
const clock = await fixClock(url, new Date("2026-03-02T09:00:00Z"));
const { deps } = makeSweepDeps(db, { now: clock.now });

test("counts of dates long over are pruned, and no others", async () => {
  // Forty days before 2 March is 21 January.
  const days = ["2025-03-02", "2026-01-20", "2026-01-21", "2026-03-02", "2026-03-03"];
  await db.query("insert into send_quota (scope, day) select 'sequence:x', unnest($1::date[])", [days]);

  expect(await pruneQuotas.runOnce(deps)).toBe(2);
  expect(await pruneQuotas.runOnce(deps)).toBe(0);

  await clock.jumpTo(new Date("2026-03-03T09:00:00Z"));
  expect(await pruneQuotas.runOnce(deps)).toBe(1);
});
