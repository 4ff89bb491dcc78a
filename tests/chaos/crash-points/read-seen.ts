import type { Queryable } from "@dripline/db/database";
import type { SmtpArrival } from "@dripline/testkit/smtp-by-recipient";
import type { Seen } from "./crash-point.ts";

/** The first email of this enrollment, as tables and mail server have it now. */
export async function readSeen(db: Queryable, enrollmentId: string, arrivals: readonly SmtpArrival[]): Promise<Seen> {
  const { rows } = await db.query({
    text: `
      select e.id, e.status, e.phase, e.attempt_count as attempts, e.generation, e.message_id,
             case when e.lease_until is not null then
               case when e.lease_until > clock_timestamp() then 'runs' else 'over' end end as lease,
             array(select kind || ' ' || reason from execution_event v where v.execution_id = e.id order by v.at, v.id) as events,
             array(select outcome from email_log l where l.execution_id = e.id order by l.sent_at, l.id) as log,
             (select status from step_execution x where x.enrollment_id = e.enrollment_id and x.step_number = 2) as next,
             n.status as enrollment, (select coalesce(sum(used), 0)::int from send_quota) as places
      from step_execution e join sequence_enrollment n on n.id = e.enrollment_id
      where e.enrollment_id = $1 and e.step_number = 1`,
    values: [enrollmentId],
  });
  const [row] = rows;
  if (row === undefined) throw new Error(`enrollment ${enrollmentId} has no first step`);
  const { id: _, message_id: messageId, ...seen } = row;
  const copies = arrivals.filter((arrival) => arrival.isTaken && messageIdOf(arrival) === messageId).length;
  return { ...seen, hasMessageId: messageId !== null, copies };
}

export function messageIdOf({ raw }: SmtpArrival): string | undefined {
  return /^Message-ID:\s*(<[^>]*>)/im.exec(raw)?.[1];
}
