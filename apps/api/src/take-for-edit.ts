import type { Queryable } from "@dripline/db/database";
import { type Editable, lockRecord } from "@dripline/db/queries/lock-record";
import { type IfMatch, refuseOtherRevision } from "./if-match.ts";
import { notFound } from "./problem-error.ts";

const named: Readonly<Record<Editable, string>> = {
  api_key: "API key",
  contact: "contact",
  company: "company",
  email_template: "email template",
  schedule: "schedule",
  sequence_enrollment: "enrollment",
  user: "user",
};

/**
 * Takes a record for an edit, as the caller read it. `name`: what people know it by, for what is about to be deleted.
 * @throws ProblemError `not_found`, or `precondition_failed` if it was edited since
 */
export async function takeForEdit(
  tx: Queryable,
  table: Editable,
  id: string,
  ifMatch: IfMatch,
): Promise<{ readonly id: string; readonly revision: number; readonly name: string }> {
  const locked = await lockRecord(tx, table, id);
  if (locked === undefined) throw notFound(named[table], id);
  refuseOtherRevision(ifMatch, locked);
  return { id, ...locked };
}
