import { findJustPausedSequences, findResumedSequences, settleResumed } from "@dripline/db/change-sequence-status";
import { inTransaction } from "@dripline/db/database";
import { holdOfSequences } from "@dripline/db/hold-under-pause";
import { findDueResumes } from "@dripline/db/resume-enrollments";
import { type Released, releaseAfterPause } from "@dripline/engine/release-after-pause";
import { resumeEnrollments } from "@dripline/engine/resume-enrollments";
import { type PendingWake, wakeManyAfterCommit } from "@dripline/engine/wake-after-commit";
import type { Sweep } from "./sweep.ts";
import type { SweepDeps } from "./sweep-deps.ts";

/** One transaction each: a second or so. */
const enrollmentsMax = 1_000;
const releasesMax = 10_000;

/**
 * Lets pauses begin and end for whoever they missed: enrollments whose time to go on has come; what still waits in a
 * sequence that goes on (more than one statement takes, or the next step of an email that was recorded at the moment of
 * the resume); and what got a timer at the moment of a pause. Answers how many enrollments and executions it moved.
 */
export const resumePaused: Sweep = {
  name: "resume-paused",
  async runOnce(deps) {
    const resumed = await resumeDueEnrollments(deps);
    const released = await releaseResumedSequences(deps);
    return resumed + released + (await holdJustPaused(deps));
  },
};

async function resumeDueEnrollments(deps: SweepDeps): Promise<number> {
  let moved = 0;
  for (let isFull = true; isFull; ) {
    const due = await findDueResumes(deps.db, enrollmentsMax);
    const by = { now: deps.now(), actor: "sweep", note: "", pace: deps.pace };
    const { enrollmentIds, wakes } = await inTransaction(deps.db, (tx) => resumeEnrollments(tx, due, by));
    await wake(deps, wakes);
    moved += enrollmentIds.length;
    isFull = due.length === enrollmentsMax && enrollmentIds.length > 0;
  }
  return moved;
}

async function releaseResumedSequences(deps: SweepDeps): Promise<number> {
  let moved = 0;
  for (const sequenceId of await findResumedSequences(deps.db)) {
    for (let batch = await releaseBatch(deps, sequenceId); ; batch = await releaseBatch(deps, sequenceId)) {
      moved += batch.wakes.length;
      if (!batch.isFull) await settleResumed(deps.db, sequenceId);
      if (!batch.isFull || batch.wakes.length === 0) break;
    }
  }
  return moved;
}

async function releaseBatch(deps: SweepDeps, sequenceId: string): Promise<Released> {
  const by = { now: deps.now(), actor: "sweep" };
  const released = await inTransaction(deps.db, (tx) =>
    releaseAfterPause(tx, { sequenceIds: [sequenceId] }, by, releasesMax),
  );
  await wake(deps, released.wakes);
  return released;
}

async function holdJustPaused(deps: SweepDeps): Promise<number> {
  const paused = await findJustPausedSequences(deps.db);
  if (paused.length === 0) return 0;
  return holdOfSequences(deps.db, paused, { now: deps.now(), actor: "sweep" });
}

function wake(deps: SweepDeps, wakes: readonly PendingWake[]): Promise<void> {
  return wakeManyAfterCommit(deps.queue, wakes, (err) =>
    deps.log.warn({ err }, "the queue did not take timers of what goes on after a pause; they are found when due"),
  );
}
