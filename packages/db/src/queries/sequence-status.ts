import type { SequenceStatus } from "@dripline/domain/statuses";
import type { Queryable } from "../database.ts";

/** How a sequence stands; undefined if there is no such sequence. */
export async function sequenceStatus(db: Queryable, id: string): Promise<SequenceStatus | undefined> {
  const { rows } = await db.query<{ status: SequenceStatus }>("select status from email_sequence where id = $1", [id]);
  return rows[0]?.status;
}

/** The enrollments of a sequence that have not ended. */
export async function findLiveEnrollmentIds(db: Queryable, sequenceId: string): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    "select id from sequence_enrollment where sequence_id = $1 and status in ('active', 'paused') order by id",
    [sequenceId],
  );
  return rows.map((row) => row.id);
}
