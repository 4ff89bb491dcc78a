import type { PeopleZones } from "@dripline/domain/time-zone";
import { bulkStatement } from "./bulk-statement.ts";
import type { Queryable } from "./database.ts";

/** An execution that was put off for its sequence's daily limit, with what its next plan needs. */
export interface LimitedWait {
  readonly executionId: string;
  readonly generation: number;
  readonly enrollmentId: string;
  readonly stepKey: string;
  readonly dueAt: Date;
  readonly scheduledFor: Date;
  readonly zones: PeopleZones;
}

/**
 * Everybody in this sequence whose timer is still to come and was set because the sequence's daily limit was reached:
 * that is the last thing that happened to them. A retry, a pause or a publish since then has set another timer, for
 * another reason.
 */
export async function findLimited(db: Queryable, sequenceId: string, now: Date): Promise<LimitedWait[]> {
  const { rows } = await db.query(
    bulkStatement({
      name: "find-limited",
      // A limit puts off past the due time: without that condition, everybody who waits for their delay would be looked up.
      text: `
      select e.id, e.generation, e.enrollment_id, e.step_key, e.due_at, e.scheduled_for,
             c.timezone as contact_timezone, co.timezone as company_timezone
      from sequence_enrollment n
      join step_execution e on e.enrollment_id = n.id and e.status = 'scheduled'
        and e.scheduled_for > $2 and e.scheduled_for > e.due_at
      join contact c on c.id = n.contact_id
      left join company co on co.id = coalesce(n.company_id, c.company_id)
      cross join lateral (
        select v.kind, v.reason from execution_event v where v.execution_id = e.id order by v.at desc, v.id desc limit 1
      ) as last
      where n.sequence_id = $1 and last.kind = 'deferred' and last.reason = 'sequence_daily_limit'`,
      values: [sequenceId, now],
    }),
  );
  return rows.map((row) => ({
    executionId: row.id,
    generation: row.generation,
    enrollmentId: row.enrollment_id,
    stepKey: row.step_key,
    dueAt: row.due_at,
    scheduledFor: row.scheduled_for,
    zones: { contact: row.contact_timezone, company: row.company_timezone },
  }));
}
