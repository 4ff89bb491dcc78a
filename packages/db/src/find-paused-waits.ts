import type { Schedule } from "@dripline/domain/schedule";
import type { PeopleZones } from "@dripline/domain/time-zone";
import { bulkStatement } from "./bulk-statement.ts";
import type { Queryable } from "./database.ts";
import { isPauseHold } from "./hold-under-pause.ts";
import { scheduleFromRow } from "./load-facts.ts";

/** An execution that waits for a pause that is over, with what its next plan needs. */
export interface PausedWait {
  readonly executionId: string;
  readonly generation: number;
  readonly enrollmentId: string;
  readonly sequenceId: string;
  readonly stepKey: string;
  readonly attemptCount: number;
  readonly heldAt: Date;
  readonly countsFrom: Date;
  readonly dueAt: Date;
  readonly scheduledFor: Date;
  readonly zones: PeopleZones;
}

/** Of these sequences, or of these enrollments. */
export type WaitScope = { readonly sequenceIds: readonly string[] } | { readonly enrollmentIds: readonly string[] };

/** Executions that are held for a pause although sequence and enrollment are active, up to `limit`. */
export async function findPausedWaits(db: Queryable, scope: WaitScope, limit: number): Promise<PausedWait[]> {
  const isOfSequences = "sequenceIds" in scope;
  const { rows } = await db.query(
    bulkStatement({
      name: isOfSequences ? "find-paused-waits-of-sequences" : "find-paused-waits-of-enrollments",
      text: `
      select e.id, e.generation, e.enrollment_id, n.sequence_id, e.step_key, e.attempt_count,
             coalesce(e.held_at, e.updated_at) as held_at, e.counts_from, e.due_at, e.scheduled_for,
             c.timezone as contact_timezone, co.timezone as company_timezone
      from sequence_enrollment n
      join email_sequence s on s.id = n.sequence_id and s.status = 'active'
      join step_execution e on e.enrollment_id = n.id and e.status = 'pending' and ${isPauseHold}
      join contact c on c.id = n.contact_id
      left join company co on co.id = coalesce(n.company_id, c.company_id)
      where n.status = 'active' and ${isOfSequences ? "n.sequence_id" : "n.id"} = any($1)
      limit $2`,
      values: [isOfSequences ? scope.sequenceIds : scope.enrollmentIds, limit],
    }),
  );
  return rows.map((row) => ({
    executionId: row.id,
    generation: row.generation,
    enrollmentId: row.enrollment_id,
    sequenceId: row.sequence_id,
    stepKey: row.step_key,
    attemptCount: row.attempt_count,
    heldAt: row.held_at,
    countsFrom: row.counts_from,
    dueAt: row.due_at,
    scheduledFor: row.scheduled_for,
    zones: { contact: row.contact_timezone, company: row.company_timezone },
  }));
}

/** The schedules of these sequences, by the sequence's id. */
export async function loadSchedules(db: Queryable, sequenceIds: readonly string[]): Promise<Map<string, Schedule>> {
  const { rows } = await db.query({
    name: "load-schedules",
    text: `
      select s.id, sc.timezone as schedule_timezone, sc.windows, sc.closed_dates, sc.holidays, sc.special_hours,
             sc.uses_contact_timezone, sc.spread_minutes
      from email_sequence s join schedule sc on sc.id = s.schedule_id
      where s.id = any($1)`,
    values: [sequenceIds],
  });
  return new Map(rows.map((row) => [row.id, scheduleFromRow(row)]));
}
