import type { Queryable } from "./database.ts";

/**
 * Holds these executions and their enrollments until the end of the transaction, so that what is planned from their facts
 * is right when it is written: waits for whoever moves them now, and keeps everybody else from it. A claim does not wait;
 * its worker looks again a second later. Locked in the order of all others: enrollments, then executions.
 */
export async function lockExecutions(tx: Queryable, executionIds: readonly string[]): Promise<void> {
  await tx.query({
    name: "lock-enrollments-of-executions",
    text: `select from sequence_enrollment
           where id in (select enrollment_id from step_execution where id = any($1)) order by id for update`,
    values: [executionIds],
  });
  await tx.query({
    name: "lock-executions",
    text: "select from step_execution where id = any($1) order by id for no key update",
    values: [executionIds],
  });
}
