import { eq } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { emailSequence } from "../schema/sequences.ts";

export type SequenceChanges = Partial<
  Pick<
    typeof emailSequence.$inferInsert,
    "name" | "description" | "scheduleId" | "inDoubtPolicy" | "sendsPerDayMax" | "reEnrollment" | "reEnrollmentCooldown"
  >
>;

/** Changes what a sequence is beside its steps, live at once; what `changes` leaves out stays as it is. */
export async function updateEmailSequence(tx: Queryable, id: string, changes: SequenceChanges): Promise<void> {
  if (Object.keys(changes).length === 0) return;
  await orm(tx).update(emailSequence).set(changes).where(eq(emailSequence.id, id));
}
