import { eq } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { sequenceEnrollment } from "../schema/journeys.ts";

interface LockedEnrollment {
  readonly id: string;
  readonly revision: number;
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
