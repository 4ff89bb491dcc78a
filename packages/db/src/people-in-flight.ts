import type { OpenStep, PersonInFlight } from "@dripline/domain/plan-publish";
import type { Queryable } from "./database.ts";
import { laterStepKeys, reachedStep } from "./queries/later-steps.ts";

/** How many people one look takes: their rows are in memory together, and one statement writes what becomes of them. */
const batchSize = 5_000;

export interface PeopleInFlight {
  readonly sequenceId: string;
  /** Not those who are in this version already. */
  readonly exceptVersionId: string;
  /** Whether they are to stay as they are read until the transaction ends. */
  readonly locks: boolean;
}

/**
 * The live enrollments of a sequence with the step that each is at, in batches, by id. With `locks` the enrollments are
 * taken first and their executions after them, both in the order of their ids, as everywhere: whoever is just recording
 * an outcome is waited for, and whoever comes later waits.
 */
export async function* readPeopleInFlight(db: Queryable, which: PeopleInFlight): AsyncGenerator<PersonInFlight[]> {
  let after = "00000000-0000-0000-0000-000000000000";
  for (;;) {
    const ids = await nextEnrollments(db, which, after);
    const last = ids.at(-1);
    if (last === undefined) return;
    if (which.locks) await lockExecutions(db, ids);
    yield await readPeople(db, ids);
    after = last;
  }
}

async function nextEnrollments(db: Queryable, which: PeopleInFlight, after: string): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `select id from sequence_enrollment
     where sequence_id = $1 and status in ('active', 'paused') and version_id <> $2 and id > $3
     order by id limit ${batchSize} ${which.locks ? "for update" : ""}`,
    [which.sequenceId, which.exceptVersionId, after],
  );
  return rows.map((row) => row.id);
}

async function lockExecutions(db: Queryable, enrollmentIds: readonly string[]): Promise<void> {
  await db.query(
    `select from step_execution
     where enrollment_id = any($1) and status in ('pending', 'scheduled', 'sending', 'failed') order by id for update`,
    [enrollmentIds],
  );
}

async function readPeople(db: Queryable, enrollmentIds: readonly string[]): Promise<PersonInFlight[]> {
  // A statement of its own: the ones before may have waited for somebody who was just opening a step.
  const { rows } = await db.query({
    name: "people-in-flight",
    text: `
      select n.id, n.status, n.version_id, n.current_step_number, n.owed_step_keys, c.timezone, co.timezone as company_timezone,
             e.id as execution_id, e.step_key, e.status as execution_status, e.hold_reason, e.held_at, e.counts_from,
             e.due_at, e.scheduled_for, e.attempt_count,
             array(select x.step_key from step_execution x where x.enrollment_id = n.id) as keys_had,
             ${laterStepKeys} as keys_to_get, coalesce(reached.step_number, 0) as reached_step_number
      from sequence_enrollment n
      join contact c on c.id = n.contact_id
      left join company co on co.id = coalesce(n.company_id, c.company_id)
      left join lateral (
        select * from step_execution o
        where o.enrollment_id = n.id and o.status in ('pending', 'scheduled', 'sending', 'failed')
        order by o.id desc limit 1
      ) e on true
      left join lateral (
        select x.step_id from step_execution x where x.enrollment_id = n.id
        order by x.created_at desc, x.step_number desc limit 1
      ) last on e.id is null
      left join sequence_step st on st.id = coalesce(e.step_id, last.step_id)
      ${reachedStep}
      where n.id = any($1)`,
    values: [enrollmentIds],
  });
  return rows.map((row) => ({
    enrollmentId: row.id,
    status: row.status,
    versionId: row.version_id,
    currentStepNumber: row.current_step_number,
    reachedStepNumber: row.reached_step_number,
    zones: { contact: row.timezone, company: row.company_timezone },
    open: row.execution_id === null ? null : openStep(row),
    keysHad: row.keys_had,
    keysToGet: row.keys_to_get,
    owedStepKeys: row.owed_step_keys,
  }));
}

// biome-ignore lint/suspicious/noExplicitAny: a row as the driver gives it
function openStep(row: any): OpenStep {
  return {
    executionId: row.execution_id,
    stepKey: row.step_key,
    status: row.execution_status,
    holdReason: row.hold_reason,
    heldAt: row.held_at,
    countsFrom: row.counts_from,
    dueAt: row.due_at,
    scheduledFor: row.scheduled_for,
    attemptCount: row.attempt_count,
  };
}
