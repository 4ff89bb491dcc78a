import type { EnrollmentStatus } from "@dripline/domain/statuses";
import type { Queryable } from "../database.ts";

/** How an enrollment stands; undefined if there is no such enrollment. */
export async function enrollmentStatus(db: Queryable, id: string): Promise<EnrollmentStatus | undefined> {
  const { rows } = await db.query<{ status: EnrollmentStatus }>(
    "select status from sequence_enrollment where id = $1",
    [id],
  );
  return rows[0]?.status;
}
