import type { FollowChange, FollowEffect } from "@dripline/domain/plan-publish";
import type { Queryable } from "./database.ts";
import { newId } from "./new-id.ts";

/** A timer that the move has set. */
export interface FollowedTimer {
  readonly executionId: string;
  readonly generation: number;
  readonly at: Date;
}

export interface FollowVersion {
  /** The version that these people go to. */
  readonly versionId: string;
  readonly effects: readonly FollowEffect[];
  readonly now: Date;
  readonly actor: string;
}

/**
 * Takes live enrollments to another version as planned, each with its open step; answers the timers to set after the
 * commit. Call it in the transaction that read the people, with their rows locked: the plans are right for these rows
 * as they are.
 */
export async function followVersion(tx: Queryable, follow: FollowVersion): Promise<FollowedTimer[]> {
  await takeOpenStepsAlong(tx, follow);
  const retimed = await retime(tx, follow);
  await skipDeleted(tx, follow);
  const opened = await openNext(tx, follow);
  await moveEnrollments(tx, follow);
  return [...retimed, ...opened];
}

/**
 * Number and content from the new version; timer and generation stay. A claim that was prepared from the old content is
 * refused by its step, and a message that is at the mail server comes from the new content if it has to be tried again.
 */
async function takeOpenStepsAlong(tx: Queryable, { versionId, effects }: FollowVersion): Promise<void> {
  await tx.query(
    `update step_execution e set step_id = st.id, step_number = st.step_number, updated_at = now()
     from sequence_step st
     where st.version_id = $1 and st.step_key = e.step_key and e.enrollment_id = any($2)
       and e.status in ('pending', 'scheduled', 'sending', 'failed')`,
    [versionId, effects.map((effect) => effect.enrollmentId)],
  );
}

/** scheduled → scheduled at another time, or pending if the schedule never opens; pending under a pause stays pending. */
async function retime(tx: Queryable, { effects, now, actor }: FollowVersion): Promise<FollowedTimer[]> {
  const changes = effects.flatMap(({ change }) => (change.kind === "retime" ? [change] : []));
  if (changes.length === 0) return [];
  const { rows } = await tx.query<{ id: string; generation: number; scheduled_for: Date }>(
    `with input as (
       select * from jsonb_to_recordset($1) as i(
         execution_id uuid, due_at timestamptz, scheduled_for timestamptz, timezone text, timezone_source text,
         is_paused boolean, is_held boolean, event_id uuid, message text)
     ),
     moved as (
       update step_execution e
       set due_at = i.due_at, scheduled_for = i.scheduled_for, timezone = i.timezone, timezone_source = i.timezone_source,
           status = case when i.is_held then 'pending' else e.status end,
           hold_reason = case when i.is_held then coalesce(e.hold_reason, 'window_never_opens') else e.hold_reason end,
           held_at = case when i.is_held then coalesce(e.held_at, $2) else e.held_at end,
           error_message = case when i.is_held and not i.is_paused then 'The schedule has no window in the next 400 days.' else e.error_message end,
           generation = case when i.is_paused then e.generation else e.generation + 1 end,
           rescued_at = null, updated_at = now()
       from input i
       where e.id = i.execution_id and e.status = case when i.is_paused then 'pending' else 'scheduled' end
       returning e.id, e.status, e.generation, e.scheduled_for, i.event_id, i.message
     ),
     told as (
       insert into execution_event (id, execution_id, at, kind, reason, message, actor)
       select event_id, id, $2, 'rescheduled', 'delay_changed', message, $3 from moved
     )
     select id, generation, scheduled_for from moved where status = 'scheduled'`,
    [JSON.stringify(changes.map(toRetimeRecord)), now, actor],
  );
  return rows.map((row) => ({ executionId: row.id, generation: row.generation, at: row.scheduled_for }));
}

function toRetimeRecord({ executionId, next, isPaused, message }: Extract<FollowChange, { kind: "retime" }>) {
  return {
    execution_id: executionId,
    due_at: next.dueAt,
    scheduled_for: next.scheduledFor,
    timezone: next.timezone,
    timezone_source: next.timezoneSource,
    is_paused: isPaused,
    is_held: next.isHeld,
    event_id: newId(),
    message,
  };
}

/** pending/scheduled/failed → skipped: the new version does not have the step. */
async function skipDeleted(tx: Queryable, { effects, now, actor }: FollowVersion): Promise<void> {
  const changes = effects.flatMap(({ change }) => (change.kind === "move_on" ? [change] : []));
  if (changes.length === 0) return;
  await tx.query(
    `with input as (
       select * from unnest($1::uuid[], $2::uuid[], $3::text[]) as i(execution_id, event_id, message)
     ),
     skipped as (
       update step_execution e
       set status = 'skipped', hold_reason = null, held_at = null, error_message = i.message, updated_at = now()
       from input i where e.id = i.execution_id and e.status in ('pending', 'scheduled', 'failed')
       returning e.id, i.event_id, i.message
     )
     insert into execution_event (id, execution_id, at, kind, reason, message, actor)
     select event_id, id, $4, 'skipped', 'step_deleted', message, $5 from skipped`,
    [
      changes.map((change) => change.executionId),
      changes.map(() => newId()),
      changes.map((change) => change.message),
      now,
      actor,
    ],
  );
}

/** What comes after a deleted step: inactive steps recorded as skipped, and the next one with a timer or a reason. */
async function openNext(tx: Queryable, { effects, now, actor }: FollowVersion): Promise<FollowedTimer[]> {
  const opened = effects.flatMap(toOpenedRecords);
  if (opened.length === 0) return [];
  const { rows } = await tx.query<{ id: string; scheduled_for: Date }>(
    `with input as (
       select * from jsonb_to_recordset($1) as i(
         id uuid, enrollment_id uuid, step_id uuid, step_key uuid, step_number int, status text, hold text,
         held_message text, timezone text, timezone_source text, due_at timestamptz, scheduled_for timestamptz,
         event_id uuid, event_kind text, event_reason text, event_message text)
     ),
     opened as (
       insert into step_execution (id, enrollment_id, step_id, step_key, step_number, status, hold_reason, held_at,
                                   error_message, timezone, timezone_source, counts_from, due_at, scheduled_for)
       select id, enrollment_id, step_id, step_key, step_number, status, hold, case when hold is not null then $2::timestamptz end,
              held_message, timezone, timezone_source, $2, coalesce(due_at, $2), coalesce(scheduled_for, $2)
       from input
       returning id, status, scheduled_for
     ),
     told as (
       insert into execution_event (id, execution_id, at, kind, reason, message, actor)
       select i.event_id, i.id, $2, i.event_kind, i.event_reason, i.event_message, $3
       from input i join opened o on o.id = i.id where i.event_kind is not null
     )
     select id, scheduled_for from opened where status = 'scheduled'`,
    [JSON.stringify(opened), now, actor],
  );
  return rows.map((row) => ({ executionId: row.id, generation: 0, at: row.scheduled_for }));
}

const heldMessages = {
  enrollment_paused: "The enrollment is paused.",
  sequence_paused: "The sequence is paused.",
  window_never_opens: "The schedule has no window in the next 400 days.",
} as const;

function toOpenedRecords({ enrollmentId, change }: FollowEffect): object[] {
  if (change.kind !== "move_on") return [];
  const { passedOver, next, hold } = change;
  const passed = passedOver.map((step) => ({
    ...rowOf(enrollmentId, step),
    status: "skipped",
    ...event("skipped", "step_inactive", `Step ${step.stepNumber} is inactive.`),
  }));
  if (next === null) return passed;
  const told =
    hold !== null
      ? event("held", hold, heldMessages[hold])
      : next.deferral !== null && event("deferred", "outside_window", next.deferral);
  const row = {
    ...rowOf(enrollmentId, next),
    status: hold === null ? "scheduled" : "pending",
    hold,
    held_message: hold && heldMessages[hold],
    timezone: next.timezone,
    timezone_source: next.timezoneSource,
    due_at: next.dueAt,
    scheduled_for: next.scheduledFor,
    ...told,
  };
  return [...passed, row];
}

function rowOf(enrollmentId: string, step: { stepId: string; stepKey: string; stepNumber: number }) {
  return {
    id: newId(),
    enrollment_id: enrollmentId,
    step_id: step.stepId,
    step_key: step.stepKey,
    step_number: step.stepNumber,
  };
}

function event(kind: string, reason: string, message: string) {
  return { event_id: newId(), event_kind: kind, event_reason: reason, event_message: message };
}

async function moveEnrollments(tx: Queryable, { versionId, effects, now }: FollowVersion): Promise<void> {
  await tx.query(
    `update sequence_enrollment n
     set version_id = $1, current_step_number = i.current_step_number, owed_step_keys = i.owed_step_keys::uuid[],
         status = case when i.completes then 'completed' else n.status end,
         end_reason = case when i.completes then 'completed' else n.end_reason end,
         completed_at = case when i.completes then $5::timestamptz else n.completed_at end,
         ended_at = case when i.completes then $5::timestamptz else n.ended_at end,
         paused_at = case when i.completes then null else n.paused_at end,
         resume_at = case when i.completes then null else n.resume_at end,
         updated_at = now()
     from unnest($2::uuid[], $3::int[], $4::boolean[], $6::text[]) as i(id, current_step_number, completes, owed_step_keys)
     where n.id = i.id and n.status in ('active', 'paused')`,
    [
      versionId,
      effects.map((effect) => effect.enrollmentId),
      effects.map((effect) => effect.currentStepNumber),
      effects.map(({ change }) => change.kind === "move_on" && change.next === null),
      now,
      effects.map((effect) => `{${effect.owedStepKeys.join()}}`), // unnest would flatten an array of arrays
    ],
  );
}
