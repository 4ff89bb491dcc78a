import type { Queryable } from "./database.ts";

/** Executions that are not over: gone, nobody could record what becomes of the email. */
const isOpen = "e.status in ('pending', 'scheduled', 'sending', 'in_doubt')";

/**
 * completed/unsubscribed/cancelled → gone, with its executions and their events; the email log stays, and says whom the
 * emails went to. An enrollment of which an email can still go out, is at the mail server or is in doubt stays. Answers
 * which are gone. Call it in a transaction.
 */
export async function deleteEnrollments(tx: Queryable, ids: readonly string[]): Promise<string[]> {
  // Statements of their own, in the order in which everybody takes them: what comes after them reads what a worker or an
  // operator who was just at one has left, and nobody gets at one any more.
  await tx.query("select from sequence_enrollment n where n.id = any($1) order by n.id for update", [ids]);
  await tx.query("select from step_execution e where e.enrollment_id = any($1) order by e.id for update", [ids]);
  const { rows } = await tx.query<{ id: string }>({
    name: "delete-enrollments",
    text: `
      with doomed as materialized (
        select n.id from sequence_enrollment n
        where n.id = any($1) and n.status in ('completed', 'unsubscribed', 'cancelled')
          and not exists (select from step_execution e where e.enrollment_id = n.id and ${isOpen})
      ),
      executions as (
        delete from step_execution e using doomed where e.enrollment_id = doomed.id
      )
      delete from sequence_enrollment n using doomed where n.id = doomed.id
      returning n.id`,
    values: [ids],
  });
  return rows.map((row) => row.id);
}

/** What keeps an enrollment from being deleted: its status, and the executions that are not over. */
export async function whatKeepsEnrollment(
  db: Queryable,
  id: string,
): Promise<{ readonly status: string; readonly openExecutionIds: readonly string[] } | undefined> {
  const { rows } = await db.query<{ status: string; open: string[] }>(
    `select n.status, array(select e.id from step_execution e where e.enrollment_id = n.id and ${isOpen} order by e.id) as open
     from sequence_enrollment n where n.id = $1`,
    [id],
  );
  const [row] = rows;
  return row && { status: row.status, openExecutionIds: row.open };
}
