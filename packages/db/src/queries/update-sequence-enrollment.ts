import { eq } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { sequenceEnrollment } from "../schema/journeys.ts";

export interface LockedEnrollment {
  readonly id: string;
  readonly revision: number;
}

/** Takes an enrollment for an edit: whoever writes it at the same time waits. Undefined if there is no such enrollment. */
export async function lockEnrollment(tx: Queryable, id: string): Promise<LockedEnrollment | undefined> {
  const { rows } = await tx.query<LockedEnrollment>(
    "select id, revision from sequence_enrollment where id = $1 for no key update",
    [id],
  );
  return rows[0];
}

export interface EnrollmentChanges {
  readonly notes?: string;
  readonly companyId?: string | null;
}

/** Changes what people write in a locked enrollment, and its revision; what `changes` leaves out stays as it is. */
export async function updateSequenceEnrollment(
  tx: Queryable,
  { id, revision }: LockedEnrollment,
  changes: EnrollmentChanges,
  now: Date,
): Promise<void> {
  await orm(tx)
    .update(sequenceEnrollment)
    .set({ ...changes, revision: revision + 1, updatedAt: now })
    .where(eq(sequenceEnrollment.id, id));
}
