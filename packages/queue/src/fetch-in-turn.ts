/** Where a statement takes its turn: a row whose `taken` is an empty text, to be appended to the first argument of what it does. */
export const turn = `(
    SELECT pg_advisory_xact_lock(hashtext('dripline'), hashtext('wakes'))::text AS taken
  ) AS turn`;

/** BullMQ's statement that fetches one job. Its parameters are those of the function. */
const fetch = /^(?:\s*--.*\n)*\s*SELECT \* FROM move_to_active\((\$1)((?:, ?\$\d+)*)\);?\s*$/;

/**
 * Whoever fetches a job first moves all delayed ones that are due to those that wait: several at once lock the same rows, each in
 * another order, and end in deadlocks. Four workers of 60 that put back a third of 6,000 jobs met seventy, and took 43 s; one after the other they
 * take 8 s. So they take turns, as Redis makes them. Any other statement is left as it is.
 */
export function fetchInTurn(statement: string): string {
  return statement.replace(
    fetch,
    (_, queue: string, others: string) =>
      `SELECT job.* FROM ${turn}, LATERAL move_to_active(${queue} || turn.taken${others}) AS job`,
  );
}
