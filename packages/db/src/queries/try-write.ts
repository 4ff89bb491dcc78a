import type { Queryable } from "../database.ts";

/** A constraint that a write would have broken: another row has the value, or another row refers to this one. */
export type Refusal = { readonly by: "taken" | "in_use"; readonly constraint: string };

const refusals: Readonly<Record<string, Refusal["by"]>> = { "23505": "taken", "23503": "in_use" };

/**
 * Runs a write that a unique index or a foreign key may refuse, inside a transaction that goes on also then. Asked of the
 * constraint itself, since looking first would not see what somebody else is writing. Undefined: it was written.
 */
export async function tryWrite(tx: Queryable, write: () => Promise<unknown>): Promise<Refusal | undefined> {
  await tx.query("savepoint try_write");
  try {
    await write();
    await tx.query("release savepoint try_write");
    return undefined;
  } catch (error) {
    const { code, constraint } = ((error as Error).cause ?? error) as { code?: string; constraint?: string };
    const by = refusals[code ?? ""];
    if (by === undefined) throw error;
    await tx.query("rollback to savepoint try_write");
    return { by, constraint: constraint ?? "" };
  }
}
