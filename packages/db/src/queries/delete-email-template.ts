import type { Queryable } from "../database.ts";
import { tryWrite } from "./try-write.ts";
import { sequencesUsingTemplate, type UsingSequence } from "./using-sequences.ts";

export type DeletedEmailTemplate =
  | { readonly kind: "deleted" }
  | { readonly kind: "in_use"; readonly sequences: readonly UsingSequence[] };

/** Deletes a template with all its versions, unless a step has it, in whatever version. Call it in a transaction. */
export async function deleteEmailTemplate(tx: Queryable, id: string): Promise<DeletedEmailTemplate> {
  const refusal = await tryWrite(tx, () => tx.query("delete from email_template where id = $1", [id]));
  return refusal === undefined
    ? { kind: "deleted" }
    : { kind: "in_use", sequences: await sequencesUsingTemplate(tx, id) };
}
