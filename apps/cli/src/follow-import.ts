import { setTimeout as wait } from "node:timers/promises";
import type { Database } from "@dripline/db/database";
import type { ImportRow } from "@dripline/db/queries/read-imports";
import type { ImportProgress } from "@dripline/engine/run-import";
import type { WakeQueue } from "@dripline/queue/wake-queue";

export interface FollowDeps {
  readonly db: Database;
  readonly queue: Pick<WakeQueue, "wake">;
  readonly now: () => Date;
  readonly dayLengthMilliseconds: number | undefined;
}

const pauseMilliseconds = 500;

/** Takes this import in, or watches the worker that has taken it, until it has ended. */
export async function followImport(
  { db, queue, now, dayLengthMilliseconds }: FollowDeps,
  id: string,
  onProgress: (progress: ImportProgress) => void,
): Promise<ImportRow> {
  const [{ takeImport }, { runImport }, { findImport }, { readImportedContact }, { REAL_PACE }] = await Promise.all([
    import("@dripline/db/take-import"),
    import("@dripline/engine/run-import"),
    import("@dripline/db/queries/read-imports"),
    import("@dripline/contract/imported-contact"),
    import("@dripline/domain/delay"),
  ]);
  const complain = (_fields: object, message: string) => console.error(message);
  const deps = {
    db,
    queue,
    now,
    pace: dayLengthMilliseconds === undefined ? REAL_PACE : { dayMilliseconds: dayLengthMilliseconds },
    readContact: readImportedContact,
    stopping: new AbortController().signal,
    log: { warn: complain, error: complain },
  };
  for (;;) {
    const taken = await takeImport(db, { now: now(), importId: id });
    if (taken !== undefined) await runImport(deps, taken, onProgress);
    const row = await findImport(db, id);
    if (row === undefined) throw new Error(`the import ${id} was deleted while it ran`);
    // Also of one that a worker was faster to end; of one that it has only begun to read nobody knows how long it is.
    if (row.rowsTotal !== null) onProgress({ rowsDone: row.rowsDone, rowsTotal: row.rowsTotal });
    if (row.endedAt !== null) return row;
    await wait(pauseMilliseconds);
  }
}
