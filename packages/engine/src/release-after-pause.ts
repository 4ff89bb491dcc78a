import { setImmediate } from "node:timers/promises";
import type { MovedBy } from "@dripline/db/arrow";
import type { Queryable } from "@dripline/db/database";
import { findPausedWaits, loadSchedules, type PausedWait, type WaitScope } from "@dripline/db/find-paused-waits";
import { type Release, relabelPaused, releasePaused } from "@dripline/db/release-paused";
import { planResume } from "@dripline/domain/plan-resume";
import type { Schedule } from "@dripline/domain/schedule";
import { spreadSeed } from "@dripline/domain/spread-seed";
import { resolveZone } from "@dripline/domain/time-zone";
import type { PendingWake } from "./wake-after-commit.ts";

/** What one statement releases: as long as inserting so many rows takes, seconds. The rest is left to a sweep. */
const releasesMax = 100_000;

/** 100,000 plans are seconds of computing: after so many, a few milliseconds, other requests get their turn. */
const plansAtAStretch = 200;

export interface Released {
  readonly wakes: readonly PendingWake[];
  /** There may be more: ask again. */
  readonly isFull: boolean;
}

/**
 * Lets go what waits for a pause that is over: each row's clock goes on where it stopped. What is still paused the other
 * way (the sequence, or the enrollment) goes on waiting, under that name. Wake the answer after the commit.
 */
export async function releaseAfterPause(
  db: Queryable,
  scope: WaitScope,
  by: MovedBy,
  limit: number = releasesMax,
): Promise<Released> {
  const waits = await findPausedWaits(db, scope, limit);
  const schedules = await loadSchedules(db, [...new Set(waits.map((wait) => wait.sequenceId))]);
  const releases: Release[] = [];
  for (const [index, wait] of waits.entries()) {
    const schedule = schedules.get(wait.sequenceId);
    if (schedule !== undefined) releases.push(planRelease(wait, schedule, by.now));
    if (index % plansAtAStretch === plansAtAStretch - 1) await setImmediate();
  }
  const released = await releasePaused(db, releases, by);
  // After it, because it locks executions alone: who locks them before their enrollments meets others half-way.
  await relabelPaused(db, scope, by);
  const wakes = released.map(({ executionId, generation, scheduledFor }) => ({
    executionId,
    generation,
    at: scheduledFor,
  }));
  return { wakes, isFull: waits.length === limit };
}

function planRelease(wait: PausedWait, schedule: Schedule, now: Date): Release {
  const zone = resolveZone(schedule, wait.zones);
  const seed = spreadSeed(wait.enrollmentId, wait.stepKey);
  return { wait, zone, plan: planResume({ ...wait, now, schedule, zone: zone.zone, seed }) };
}
