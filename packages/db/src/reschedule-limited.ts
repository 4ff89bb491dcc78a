import type { ResolvedZone } from "@dripline/domain/time-zone";
import type { MovedBy } from "./arrow.ts";
import { bulkStatement } from "./bulk-statement.ts";
import type { Queryable } from "./database.ts";
import type { LimitedWait } from "./find-limited.ts";
import { newId } from "./new-id.ts";
import type { Revived } from "./revive-executions.ts";

export interface Reschedule {
  readonly wait: LimitedWait;
  readonly scheduledFor: Date;
  readonly zone: ResolvedZone;
  /** What the operator reads about it. */
  readonly message: string;
}

/**
 * scheduled → scheduled at another time, because the limit that set the old one was changed; generation + 1 so that older
 * timers are over. A row moves only if it is still scheduled in the generation that was planned from: what is being sent
 * by now, was sent or is held stays as it is. Answers which rows got a new timer.
 */
export async function rescheduleLimited(
  db: Queryable,
  reschedules: readonly Reschedule[],
  { now, actor }: MovedBy,
): Promise<Revived[]> {
  if (reschedules.length === 0) return [];
  const { rows } = await db.query<{ id: string; generation: number; scheduled_for: Date }>(
    bulkStatement({
      // Without a name, so that no plan is kept from a call with one row.
      text: `
      with moved as (
        update step_execution e
        set scheduled_for = w.scheduled_for, timezone = w.timezone, timezone_source = w.timezone_source,
            generation = e.generation + 1, rescued_at = null, updated_at = now()
        from unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::uuid[])
               as w(execution_id, generation, scheduled_for, timezone, timezone_source, message, event_id)
        where e.id = w.execution_id and e.generation = w.generation and e.status = 'scheduled'
        returning e.id, e.generation, e.scheduled_for, w.event_id, w.message
      ),
      told as (
        insert into execution_event (id, execution_id, at, kind, reason, message, actor)
        select event_id, id, $8, 'rescheduled', 'limit_changed', message, $9 from moved
      )
      select id, generation, scheduled_for from moved`,
      values: [...columns(reschedules), now, actor],
    }),
  );
  return rows.map((row) => ({ executionId: row.id, generation: row.generation, scheduledFor: row.scheduled_for }));
}

function columns(reschedules: readonly Reschedule[]): unknown[] {
  return [
    reschedules.map(({ wait }) => wait.executionId),
    reschedules.map(({ wait }) => wait.generation),
    reschedules.map(({ scheduledFor }) => scheduledFor),
    reschedules.map(({ zone }) => zone.zone),
    reschedules.map(({ zone }) => zone.source),
    reschedules.map(({ message }) => message),
    reschedules.map(() => newId()),
  ];
}
