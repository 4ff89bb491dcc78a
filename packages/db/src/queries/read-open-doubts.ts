import type { EnrollmentStatus, InDoubtPolicy } from "@dripline/domain/statuses";
import type { Queryable } from "../database.ts";

/** An email of which nobody knows whether it arrived, with what is needed to find that out. */
export interface OpenDoubtRow {
  readonly executionId: string;
  /** Where it went; the contact may have another address by now. */
  readonly toAddress: string;
  readonly sequenceName: string;
  readonly stepNumber: number;
  readonly stepName: string;
  /** When it was handed to the mail server; null if its log is gone. */
  readonly handedOverAt: Date | null;
  readonly reason: string | null;
  readonly messageId: string | null;
  /** The sequence's policy as it is now. */
  readonly inDoubtPolicy: InDoubtPolicy;
  /** Whether the enrollment went on with the next step. */
  readonly hasAdvanced: boolean;
  readonly enrollmentStatus: EnrollmentStatus;
}

/** What is in doubt, in the order in which `findDoubts` takes it: the oldest first. */
export async function readOpenDoubts(db: Queryable, limit: number): Promise<OpenDoubtRow[]> {
  const { rows } = await db.query({
    name: "read-open-doubts",
    text: `
      select e.id, coalesce(l.to_address, c.email) as to_address, s.name as sequence_name, e.step_number, st.name as step_name,
             l.sent_at, e.error_message, e.message_id, s.in_doubt_policy, e.has_advanced, n.status as enrollment_status
      from step_execution e
      join sequence_enrollment n on n.id = e.enrollment_id
      join email_sequence s on s.id = n.sequence_id
      join sequence_step st on st.id = e.step_id
      join contact c on c.id = n.contact_id
      left join email_log l on l.id = e.email_log_id
      where e.status = 'in_doubt'
      order by e.scheduled_for, e.id limit $1`,
    values: [limit],
  });
  return rows.map((row) => ({
    executionId: row.id,
    toAddress: row.to_address,
    sequenceName: row.sequence_name,
    stepNumber: row.step_number,
    stepName: row.step_name,
    handedOverAt: row.sent_at,
    reason: row.error_message,
    messageId: row.message_id,
    inDoubtPolicy: row.in_doubt_policy,
    hasAdvanced: row.has_advanced,
    enrollmentStatus: row.enrollment_status,
  }));
}
