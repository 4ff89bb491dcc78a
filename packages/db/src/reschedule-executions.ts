import type { ResolvedZone } from "@dripline/domain/time-zone";
import type { MovedBy } from "./arrow.ts";
import type { Queryable } from "./database.ts";
import { newId } from "./new-id.ts";
import type { Revived } from "./revive-executions.ts";

export interface RescheduleByOperator {
  readonly executionId: string;
  readonly generation: number;
  /** The moment that the operator wants. Lateness counts from here, and so does whatever stops and shifts the clock. */
  readonly dueAt: Date;
  /** `dueAt`, or a moment in the next open window. */
  readonly scheduledFor: Date;
  readonly zone: ResolvedZone;
  /** Stable: `sent_now` or `operator`. */
  readonly reason: string;
  readonly message: string;
}

/**
 * scheduled → scheduled at another time, sooner or later, because an operator wants it so; generation + 1 so that older
 * timers are over. Base and due time move along: a pause shifts what the operator chose, and a publish with another delay
 * leaves it. Attempts stay counted. Every guard is asked again when it fires. Answers which rows moved: those that were
 * still scheduled in that generation, of live enrollments (and of completed ones that had gone on before this email,
 * once in doubt, was sent again).
 */
export async function rescheduleExecutions(
  db: Queryable,
  moves: readonly RescheduleByOperator[],
  { now, actor }: MovedBy,
): Promise<Revived[]> {
  const { rows } = await db.query<{ id: string; generation: number; scheduled_for: Date }>({
    name: "reschedule-executions",
    text: `
      with moved as (
        update step_execution e
        set counts_from = w.due_at, due_at = w.due_at, scheduled_for = w.scheduled_for, timezone = w.timezone,
            timezone_source = w.timezone_source, generation = e.generation + 1, error_message = null, rescued_at = null,
            updated_at = now()
        from unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::timestamptz[], $5::text[], $6::text[], $7::text[],
                    $8::text[], $9::uuid[])
               as w(execution_id, generation, due_at, scheduled_for, timezone, timezone_source, reason, message, event_id),
             sequence_enrollment n
        where e.id = w.execution_id and e.generation = w.generation and e.status = 'scheduled'
          and n.id = e.enrollment_id
          and (n.status in ('active', 'paused') or (n.status = 'completed' and e.has_advanced))
        returning e.id, e.generation, e.scheduled_for, w.event_id, w.reason, w.message
      ),
      told as (
        insert into execution_event (id, execution_id, at, kind, reason, message, actor)
        select event_id, id, $10, 'rescheduled', reason, message, $11 from moved
      )
      select id, generation, scheduled_for from moved`,
    values: [
      moves.map((move) => move.executionId),
      moves.map((move) => move.generation),
      moves.map((move) => move.dueAt),
      moves.map((move) => move.scheduledFor),
      moves.map((move) => move.zone.zone),
      moves.map((move) => move.zone.source),
      moves.map((move) => move.reason),
      moves.map((move) => move.message),
      moves.map(() => newId()),
      now,
      actor,
    ],
  });
  return rows.map((row) => ({ executionId: row.id, generation: row.generation, scheduledFor: row.scheduled_for }));
}
