import type { Queryable } from "@dripline/db/database";
import { readDeliveryBackoffs } from "@dripline/db/queries/read-delivery-backoffs";
import { readFence } from "@dripline/db/read-fence";
import type { DeliveryBackoff } from "@dripline/domain/delivery-backoff";
import type { Fence } from "@dripline/domain/fence";

export interface DueReport {
  /** Whether anything leaves from this database at all. */
  readonly fence: Fence;
  /** Executions per status, all sequences. */
  readonly byStatus: Readonly<Record<string, number>>;
  /** Scheduled and due now: the backlog. */
  readonly dueNow: number;
  /** How long the oldest due one has waited, in seconds; 0 if none is due. */
  readonly oldestDueSeconds: number;
  /** Where emails leave one at a time, and what the mail server said. */
  readonly backoffs: readonly DeliveryBackoff[];
  /** What will happen next, soonest first: due, upcoming, and what is held or failed and waits for somebody. */
  readonly pending: readonly PendingWork[];
}

export interface PendingWork {
  readonly executionId: string;
  readonly status: string;
  readonly scheduledFor: Date;
  readonly isDue: boolean;
  readonly sequenceName: string;
  readonly stepNumber: number;
  readonly stepName: string;
  readonly contactEmail: string;
  /** Why it is held, failed, or was moved last; null if nothing stands in its way. */
  readonly reason: string | null;
}

/**
 * What is due, per status, and the pending work itself, without touching any of it. By the database's clock. `publicUrl`
 * is that of the workers, as far as it is known here.
 */
export async function dueReport(
  db: Queryable,
  { limit, publicUrl }: { readonly limit: number; readonly publicUrl?: string | undefined },
): Promise<DueReport> {
  const counts = await db.query<{ status: string; count: number; due: number; oldest: number | null }>(
    `select status, count(*)::int as count,
            count(*) filter (where status = 'scheduled' and scheduled_for <= now())::int as due,
            extract(epoch from now() - min(scheduled_for) filter (where status = 'scheduled' and scheduled_for <= now()))::float8 as oldest
     from step_execution group by status order by status`,
  );
  const pending = await db.query(
    `select e.id, e.status, e.scheduled_for, e.status = 'scheduled' and e.scheduled_for <= now() as is_due,
            s.name as sequence_name, e.step_number, st.name as step_name, c.email, e.error_message
     from step_execution e
     join sequence_enrollment n on n.id = e.enrollment_id
     join email_sequence s on s.id = n.sequence_id
     join sequence_step st on st.id = e.step_id
     join contact c on c.id = n.contact_id
     where e.status in ('pending', 'scheduled', 'sending', 'failed', 'in_doubt')
     order by e.scheduled_for, e.id limit $1`,
    [limit],
  );
  const scheduled = counts.rows.find((row) => row.status === "scheduled");
  return {
    fence: await readFence(db, publicUrl),
    byStatus: Object.fromEntries(counts.rows.map((row) => [row.status, row.count])),
    dueNow: scheduled?.due ?? 0,
    oldestDueSeconds: scheduled?.oldest ?? 0,
    backoffs: await readDeliveryBackoffs(db),
    pending: pending.rows.map((row) => ({
      executionId: row.id,
      status: row.status,
      scheduledFor: row.scheduled_for,
      isDue: row.is_due,
      sequenceName: row.sequence_name,
      stepNumber: row.step_number,
      stepName: row.step_name,
      contactEmail: row.email,
      reason: row.error_message,
    })),
  };
}
