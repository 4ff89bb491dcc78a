import type { Queryable } from "@dripline/db/database";
import { endEnrollments } from "@dripline/db/end-enrollments";

export interface OptOutRequest {
  /** The email in which the contact followed the unsubscribe link. */
  readonly executionId: string;
  /** Where the wish came from, for the notes: "one-click unsubscribe". */
  readonly source: string;
  readonly now: Date;
}

/**
 * The contact wants no more email: recorded at once, for all sequences, and every live enrollment ends. Doing it again
 * changes nothing. Undefined if there is no record of such an execution, not in the email log either.
 */
export async function optOut(db: Queryable, request: OptOutRequest): Promise<{ contactId: string } | undefined> {
  const { rows } = await db.query<{ id: string }>(
    `update contact c set opted_out_at = coalesce(c.opted_out_at, $2), updated_at = $2
     from (
       select n.contact_id from step_execution e join sequence_enrollment n on n.id = e.enrollment_id where e.id = $1
       union -- of an enrollment that was deleted the log is left
       select l.contact_id from email_log l where l.execution_id = $1
     ) sent
     where c.id = sent.contact_id
     returning c.id`,
    [request.executionId, request.now],
  );
  const contact = rows[0];
  if (contact === undefined) return undefined;
  const live = await db.query<{ id: string }>(
    "select id from sequence_enrollment where contact_id = $1 and status in ('active', 'paused')",
    [contact.id],
  );
  await endEnrollments(db, {
    enrollmentIds: live.rows.map((row) => row.id),
    to: "unsubscribed",
    endReason: "contact_opted_out",
    note: `The contact opted out (${request.source}).`,
    now: request.now,
    actor: "contact",
  });
  return { contactId: contact.id };
}
