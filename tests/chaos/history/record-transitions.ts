import type { Queryable } from "@dripline/db/database";

/**
 * Makes the database of a run log every change of an execution's state and every opt-out, by triggers in a schema of their
 * own: written in the same transaction, read by nothing but the checker.
 */
export async function recordTransitions(db: Queryable): Promise<void> {
  await db.query(`
    create schema chaos;

    create table chaos.transition (
      seq bigserial primary key, at timestamptz not null default clock_timestamp(), txid text not null default pg_current_xact_id()::text,
      execution_id uuid not null, from_state jsonb, to_state jsonb not null);

    create function chaos.state_of(e step_execution) returns jsonb language sql immutable as $$
      select jsonb_build_object('status', e.status, 'phase', e.phase, 'generation', e.generation,
        'attemptCount', e.attempt_count, 'scheduledFor', extract(epoch from e.scheduled_for) * 1000,
        'emailLogId', e.email_log_id) $$;

    create function chaos.log_transition() returns trigger language plpgsql as $$
      begin
        insert into chaos.transition (execution_id, from_state, to_state)
        select new.id, case when tg_op = 'UPDATE' then chaos.state_of(old) end, chaos.state_of(new)
        where tg_op = 'INSERT' or chaos.state_of(old) <> chaos.state_of(new);
        return null;
      end $$;
    create trigger chaos_log_transition after insert or update on step_execution
      for each row execute function chaos.log_transition();

    create table chaos.enrollment_transition (
      seq bigserial primary key, at timestamptz not null default clock_timestamp(), txid text not null default pg_current_xact_id()::text,
      enrollment_id uuid not null, from_status text, to_status text not null, end_reason text);
    create function chaos.log_enrollment() returns trigger language plpgsql as $$
      begin
        insert into chaos.enrollment_transition (enrollment_id, from_status, to_status, end_reason)
        select new.id, case when tg_op = 'UPDATE' then old.status end, new.status, new.end_reason
        where tg_op = 'INSERT' or old.status <> new.status;
        return null;
      end $$;
    create trigger chaos_log_enrollment after insert or update on sequence_enrollment
      for each row execute function chaos.log_enrollment();

    create table chaos.opt_out (at timestamptz not null default clock_timestamp(), recipient text not null);
    create function chaos.log_opt_out() returns trigger language plpgsql as $$
      begin
        insert into chaos.opt_out (recipient) values (lower(new.email));
        return null;
      end $$;
    create trigger chaos_log_opt_out after update on contact
      for each row when (old.opted_out_at is null and new.opted_out_at is not null) execute function chaos.log_opt_out();
  `);
}
