import { DelayedError, type Job } from "bullmq";
import { delayUntil, isBeyondHorizon, parseLossesOutlived, parseWake, type Wake } from "./wake.ts";
import { WakeHandlingError } from "./wake-handling-error.ts";
import type { WakeHandler, WakeVerdict } from "./wake-queue.ts";

const secondsAfterFirstThrow = 1;
const secondsAfterManyThrows = 30;

export type RunWakeDeps = { handler: WakeHandler; now: () => Date; onError(error: Error): void };

/**
 * What a worker does with one job: hand the wake to the handler and carry out its verdict.
 *
 * A handler that throws (a bug, a database that is down) keeps its wake: it comes again after 1, 2, 4 … at most 30
 * seconds. A payload that is no wake is reported and dropped. Throws BullMQ's DelayedError only, which is how BullMQ
 * is told that the job was put back.
 */
export async function runWake(deps: RunWakeDeps, job: Job, token: string | undefined): Promise<void> {
  const wake = parseWake(job.data);
  if (wake === undefined) {
    deps.onError(new Error(`Job ${job.id} carries no wake and was dropped: ${JSON.stringify(job.data)}`));
    return;
  }
  const verdict = await verdictOf(deps, wake, job);
  if (verdict.kind === "done") return;
  // Beyond the horizon the row waits in the database, and a sweep wakes it within seconds of its time.
  if (isBeyondHorizon(verdict.at, deps.now())) return;
  await putBack(deps, job, token, verdict.at);
}

async function verdictOf({ handler, now, onError }: RunWakeDeps, wake: Wake, job: Job): Promise<WakeVerdict> {
  try {
    const verdict = await handler(wake, lossesOf(job));
    // Read here, so that a verdict with an invalid date is treated as the bug of the handler that it is.
    if (verdict.kind === "again") delayUntil(verdict.at, now());
    return verdict;
  } catch (cause) {
    const doublings = Math.max(0, job.attemptsStarted - 1);
    const seconds = Math.min(secondsAfterFirstThrow * 2 ** doublings, secondsAfterManyThrows);
    onError(new WakeHandlingError(wake, seconds, cause));
    return { kind: "again", at: new Date(now().getTime() + seconds * 1000) };
  }
}

/** BullMQ counts over a job's whole life; what its handler has heard of and outlived is subtracted. */
function lossesOf({ stalledCounter, data }: Job): number {
  return Math.max(0, stalledCounter - parseLossesOutlived(data));
}

/**
 * Puts a running job back until `at`: the only place that does. The move and the error belong together. The error
 * alone leaves a job that counts as running; the move alone makes BullMQ finish a job it no longer holds.
 *
 * When the move fails (backend gone, lock lost) the error is thrown all the same: the job then counts as running until
 * its lock is over, and a stalled check gives it to the next worker. Any other error would delete it as failed.
 */
async function putBack(deps: RunWakeDeps, job: Job, token: string | undefined, at: Date): Promise<never> {
  try {
    if (lossesOf(job) > 0) await job.updateData({ ...job.data, lossesOutlived: job.stalledCounter });
    // BullMQ takes an instant of its own clock here, which is the system's and need not be ours.
    await job.moveToDelayed(Date.now() + delayUntil(at, deps.now()), token);
  } catch (cause) {
    deps.onError(new Error(`Job ${job.id} could not be put back; it runs again when its lock is over`, { cause }));
  }
  throw new DelayedError();
}
