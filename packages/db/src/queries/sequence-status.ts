import type { SequenceStatus } from "@dripline/domain/statuses";
import { bulkStatement } from "../bulk-statement.ts";
import type { Queryable } from "../database.ts";

/** How a sequence stands; undefined if there is no such sequence. */
export async function sequenceStatus(db: Queryable, id: string): Promise<SequenceStatus | undefined> {
  const { rows } = await db.query<{ status: SequenceStatus }>("select status from email_sequence where id = $1", [id]);
  return rows[0]?.status;
}

/** How these sequences stand. With `locks` they stay so until the transaction ends; locked in the order of their ids. */
export async function sequenceStatuses(
  db: Queryable,
  ids: readonly string[],
  { locks }: { readonly locks: boolean },
): Promise<ReadonlyMap<string, SequenceStatus>> {
  const { rows } = await db.query<{ id: string; status: SequenceStatus }>(
    `select id, status from email_sequence where id = any($1) order by id ${locks ? "for no key update" : ""}`,
    [ids],
  );
  return new Map(rows.map((row) => [row.id, row.status]));
}

/** The enrollments of these sequences that have not ended. */
export async function findLiveEnrollmentIds(db: Queryable, sequenceIds: readonly string[]): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    bulkStatement({
      text: "select id from sequence_enrollment where sequence_id = any($1) and status in ('active', 'paused') order by id",
      values: [sequenceIds],
    }),
  );
  return rows.map((row) => row.id);
}
