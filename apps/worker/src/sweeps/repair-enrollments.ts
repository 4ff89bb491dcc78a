import { inTransaction } from "@dripline/db/database";
import { findLongStranded } from "@dripline/db/find-long-stranded";
import { readSweepCursor, setSweepCursor } from "@dripline/db/sweep-cursor";
import { openStranded } from "@dripline/engine/open-stranded";
import { wakeAfterCommit } from "@dripline/engine/wake-after-commit";
import { firstIdOfMoment, momentOfId } from "./id-moment.ts";
import type { Sweep } from "./sweep.ts";
import type { SweepDeps } from "./sweep-deps.ts";

const name = "repair-enrollments";

/** Measured: 0.1 to 0.25 s a minute, on a machine six times overloaded; of a million, all are looked at in 100 minutes. */
const chunkMax = 10_000;

/** What takes a transaction or two elsewhere (a publish, a resume) opens its steps itself. */
const quietSeconds = 60;

const sentences = {
  reason: "nothing_open",
  opened: "The enrollment is active and nothing of it was open: a sweep opened this step, its delay counts from now.",
  completed: "The enrollment was active, nothing of it was open and no step is left: a sweep completed it.",
};

/**
 * Finds active enrollments in which nothing is open and which nobody would ever move again, and lets them go on. That is
 * no state which our statements leave behind: it takes a bug, a restored backup or a hand in the database. Looks at one
 * chunk of all enrollments, by id, and begins again after the last. Answers how many it let go on.
 */
export const repairEnrollments: Sweep = {
  name,
  everySeconds: 60,
  async runOnce(deps) {
    const { at } = await readSweepCursor(deps.db, name);
    const from = at ?? new Date(0);
    let repaired = 0;
    for (let fromId = firstIdOfMoment(from); ; ) {
      const chunk = await findLongStranded(deps.db, { fromId, limit: chunkMax, quietSeconds });
      repaired += await repair(deps, chunk.enrollmentIds);
      const next = chunk.isLastChunk || chunk.lastId === null ? new Date(0) : momentOfId(chunk.lastId);
      await setSweepCursor(deps.db, name, next);
      // The cursor knows no ids: a run that stopped among those of one millisecond would stop there for ever.
      if (chunk.lastId === null || next.getTime() !== from.getTime() || chunk.isLastChunk) return repaired;
      fromId = chunk.lastId;
    }
  },
};

async function repair(deps: SweepDeps, enrollmentIds: readonly string[]): Promise<number> {
  if (enrollmentIds.length === 0) return 0;
  const by = { now: deps.now(), actor: "sweep", pace: deps.pace };
  const opened = await inTransaction(deps.db, (tx) => openStranded(tx, enrollmentIds, by, sentences));
  for (const enrollmentId of opened.enrollmentIds)
    deps.log.warn({ enrollmentId }, "an active enrollment had nothing open; a sweep let it go on");
  await wakeAfterCommit(deps.queue, opened.wakes, (err) =>
    deps.log.warn({ err }, "the queue did not take the timers of repaired enrollments; they are found when due"),
  );
  return opened.enrollmentIds.length;
}
