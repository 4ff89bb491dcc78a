import type { Queryable } from "./database.ts";

/** Somebody who is in a sequence now, and the step they wait on. */
export interface LiveEnrollment {
  readonly enrollmentId: string;
  readonly contactId: string;
  readonly open: {
    readonly executionId: string;
    readonly stepName: string;
    /** Why it is `pending`, in one word. */
    readonly holdReason: string | null;
    readonly heldAt: Date | null;
    readonly errorMessage: string | null;
  } | null;
}

/** Those of these contacts who are enrolled in this sequence and have not come to an end. */
export async function findLiveEnrollments(
  db: Queryable,
  sequenceId: string,
  contactIds: readonly string[],
): Promise<LiveEnrollment[]> {
  const { rows } = await db.query({
    name: "find-live-enrollments",
    // An email whose outcome is not known may stay listed while the next one is due: that one is where they stand.
    text: `
      select n.id, n.contact_id, e.id as execution_id, st.name as step_name, e.hold_reason, e.held_at, e.error_message
      from sequence_enrollment n
      left join lateral (
        select * from step_execution
        where enrollment_id = n.id and status in ('pending', 'scheduled', 'sending', 'failed', 'in_doubt')
        order by status = 'in_doubt', scheduled_for desc limit 1
      ) e on true
      left join sequence_step st on st.id = e.step_id
      where n.sequence_id = $1 and n.contact_id = any($2) and n.status in ('active', 'paused')`,
    values: [sequenceId, contactIds],
  });
  return rows.map((row) => ({
    enrollmentId: row.id,
    contactId: row.contact_id,
    open:
      row.execution_id === null
        ? null
        : {
            executionId: row.execution_id,
            stepName: row.step_name,
            holdReason: row.hold_reason,
            heldAt: row.held_at,
            errorMessage: row.error_message,
          },
  }));
}

/** What these steps are called, by id. */
export async function findStepNames(db: Queryable, stepIds: readonly string[]): Promise<Map<string, string>> {
  const { rows } = await db.query<{ id: string; name: string }>({
    name: "find-step-names",
    text: "select id, name from sequence_step where id = any($1)",
    values: [stepIds],
  });
  return new Map(rows.map(({ id, name }) => [id, name]));
}
