import type { Queryable } from "../database.ts";
import { insertExecution, type MadeExecution } from "./executions.ts";

/** The first step of a new enrollment, in doubt since `handedOverAt` with its log, as a worker leaves it. */
export async function insertDoubt(
  db: Queryable,
  sequence: Parameters<typeof insertExecution>[1],
  contactId: string,
  {
    handedOverAt = new Date("2026-03-02T10:00:00Z"),
    values = {},
    enrollment = {},
  }: {
    readonly handedOverAt?: Date;
    readonly values?: Parameters<typeof insertExecution>[3];
    readonly enrollment?: Parameters<typeof insertExecution>[4];
  } = {},
): Promise<MadeExecution> {
  const inDoubt = {
    status: "in_doubt",
    generation: 3,
    attemptCount: 1,
    errorMessage: "The message was handed over, but no reply came.",
    ...values,
  } as const;
  const made = await insertExecution(db, sequence, contactId, inDoubt, enrollment);
  await logDoubt(db, made.executionId, handedOverAt);
  return made;
}

/** Another copy was handed over without a recorded answer. */
export async function logDoubt(db: Queryable, executionId: string, handedOverAt: Date): Promise<void> {
  await db.query(
    `with log as (
       insert into email_log (id, execution_id, message_id, from_address, to_address, subject, variables, outcome, sent_at)
       select gen_random_uuid(), e.id, coalesce(e.message_id, ''), 'us@example.com', c.email, 'Hello', '{}', 'in_doubt', $2
       from step_execution e join sequence_enrollment n on n.id = e.enrollment_id join contact c on c.id = n.contact_id
       where e.id = $1 returning id
     ) update step_execution set email_log_id = (select id from log) where id = $1`,
    [executionId, handedOverAt],
  );
}
