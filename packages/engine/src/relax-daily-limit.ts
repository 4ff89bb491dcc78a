import { setImmediate } from "node:timers/promises";
import type { MovedBy } from "@dripline/db/arrow";
import { liftStatementTimeout } from "@dripline/db/bulk-statement";
import type { Queryable } from "@dripline/db/database";
import { findLimited, type LimitedWait } from "@dripline/db/find-limited";
import { loadSchedules } from "@dripline/db/find-paused-waits";
import { forgetBookings } from "@dripline/db/forget-bookings";
import { type Reschedule, rescheduleLimited } from "@dripline/db/reschedule-limited";
import { sequenceScope } from "@dripline/db/send-scopes";
import type { Schedule } from "@dripline/domain/schedule";
import { scheduleFault } from "@dripline/domain/schedule-fault";
import { spreadFromNow } from "@dripline/domain/spread-from-now";
import { spreadSeed } from "@dripline/domain/spread-seed";
import { resolveZone } from "@dripline/domain/time-zone";
import type { PendingWake } from "./wake-after-commit.ts";

/** A sequence's emails a day; null for no limit. */
export interface DailyLimitChange {
  readonly from: number | null;
  readonly to: number | null;
}

/** After so many plans, a few milliseconds, other requests get their turn. */
const plansAtAStretch = 200;

/**
 * Plans everybody again whom a sequence's daily limit has put off, now that it was raised or removed: in the next open
 * window, spread as after an edit, so that those who now have room do not wait out the old dates. Who still has none is
 * put off anew when their time comes. Nobody gets a later time than they have. A limit that was lowered or stayed changes
 * nothing here. Call it in the transaction that changed the limit, and wake the answer after the commit.
 */
export async function relaxDailyLimit(
  tx: Queryable,
  sequenceId: string,
  change: DailyLimitChange,
  by: MovedBy,
): Promise<readonly PendingWake[]> {
  if (!isRelaxed(change)) return [];
  await liftStatementTimeout(tx);
  await forgetBookings(tx, [sequenceScope(sequenceId)]);
  const schedule = (await loadSchedules(tx, [sequenceId])).get(sequenceId);
  if (schedule === undefined) return [];
  const reschedules: Reschedule[] = [];
  for (const [index, wait] of (await findLimited(tx, sequenceId, by.now)).entries()) {
    const reschedule = planAgain(wait, schedule, change, by.now);
    if (reschedule !== null) reschedules.push(reschedule);
    if (index % plansAtAStretch === plansAtAStretch - 1) await setImmediate();
  }
  const moved = await rescheduleLimited(tx, reschedules, by);
  return moved.map(({ executionId, generation, scheduledFor }) => ({ executionId, generation, at: scheduledFor }));
}

function isRelaxed({ from, to }: DailyLimitChange): boolean {
  return from !== null && (to === null || to > from);
}

/** Null: it keeps its time, because no window opens before it, or none that could be found. */
function planAgain(
  wait: LimitedWait,
  schedule: Schedule,
  { from, to }: DailyLimitChange,
  now: Date,
): Reschedule | null {
  const zone = resolveZone(schedule, wait.zones);
  // A fault is found again when the timer fires, and told then.
  if (scheduleFault(schedule, zone.zone) !== null) return null;
  const earliest = wait.dueAt > now ? wait.dueAt : now;
  const seed = spreadSeed(wait.enrollmentId, wait.stepKey);
  const plan = spreadFromNow({ schedule, zone: zone.zone, now: earliest, seed });
  if (plan.kind === "never" || plan.at >= wait.scheduledFor) return null;
  const changed = to === null ? `of ${from} emails a day was removed` : `was raised from ${from} to ${to} emails a day`;
  const [before, after] = [wait.scheduledFor.toISOString(), plan.at.toISOString()];
  return {
    wait,
    zone,
    scheduledFor: plan.at,
    message: `The sequence's limit ${changed}: planned for ${after}, before for ${before}.`,
  };
}
