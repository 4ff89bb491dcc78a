import type { Queryable } from "@dripline/db/database";
import { endEnrollments } from "@dripline/db/end-enrollments";
import { optOutContacts } from "@dripline/db/opt-out-contacts";

interface OptOut {
  /** Where the wish came from, for the notes: "unsubscribe link". */
  readonly source: string;
  readonly now: Date;
}

export interface OptOutByLink extends OptOut {
  /** The email in which the contact followed the unsubscribe link. */
  readonly executionId: string;
}

/** Whoever got this email wants no more. Undefined if there is no record of this execution, not in the email log either. */
export async function optOut(db: Queryable, request: OptOutByLink): Promise<{ contactId: string } | undefined> {
  const { rows } = await db.query<{ id: string }>(
    `select n.contact_id as id from step_execution e join sequence_enrollment n on n.id = e.enrollment_id where e.id = $1
     union -- of an enrollment that was deleted the log is left
     select l.contact_id from email_log l where l.execution_id = $1 and l.contact_id is not null`,
    [request.executionId],
  );
  const contact = rows[0];
  if (contact === undefined) return undefined;
  await optOutContact(db, { ...request, contactId: contact.id, actor: "contact" });
  return { contactId: contact.id };
}

/**
 * The contact wants no more email: recorded at once, for all sequences, and every live enrollment ends. Doing it again
 * changes nothing.
 */
export async function optOutContact(
  db: Queryable,
  { contactId, source, now, actor }: OptOut & { readonly contactId: string; readonly actor: string },
): Promise<void> {
  await optOutContacts(db, [contactId], now);
  const live = await db.query<{ id: string }>(
    "select id from sequence_enrollment where contact_id = $1 and status in ('active', 'paused')",
    [contactId],
  );
  await endEnrollments(db, {
    enrollmentIds: live.rows.map((row) => row.id),
    to: "unsubscribed",
    endReason: "contact_opted_out",
    note: `The contact opted out (${source}).`,
    now,
    actor,
  });
}
