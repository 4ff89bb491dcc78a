import type { Queryable } from "./database.ts";

/** Runs `work` in a transaction and takes back what it wrote: what it answers is what would have happened. */
export async function tryOut<T>(tx: Queryable, work: () => Promise<T>): Promise<T> {
  await tx.query("savepoint try_out");
  const result = await work();
  await tx.query("rollback to savepoint try_out");
  await tx.query("release savepoint try_out");
  return result;
}
