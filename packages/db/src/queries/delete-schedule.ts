import type { Queryable } from "../database.ts";
import { tryWrite } from "./try-write.ts";
import { sequencesUsingSchedule, type UsingSequence } from "./using-sequences.ts";

export type DeletedSchedule =
  | { readonly kind: "deleted" }
  | { readonly kind: "is_default" }
  | { readonly kind: "in_use"; readonly sequences: readonly UsingSequence[] };

/** Deletes a schedule that no sequence follows and that is not the default. Call it in a transaction. */
export async function deleteSchedule(tx: Queryable, id: string): Promise<DeletedSchedule> {
  let isDeleted = false;
  const refusal = await tryWrite(tx, async () => {
    const { rowCount } = await tx.query("delete from schedule where id = $1 and not is_default", [id]);
    isDeleted = rowCount === 1;
  });
  if (refusal !== undefined) return { kind: "in_use", sequences: await sequencesUsingSchedule(tx, id) };
  return { kind: isDeleted ? "deleted" : "is_default" };
}
