import type { Queryable } from "../database.ts";

/** What people edit one at a time and whole. */
export type Editable =
  | "api_key"
  | "contact"
  | "company"
  | "email_template"
  | "schedule"
  | "sequence_enrollment"
  | "user";

/** What people know it by. */
const nameColumns: Readonly<Record<Editable, string>> = {
  api_key: "name",
  contact: "email",
  company: "name",
  email_template: "name",
  schedule: "name",
  sequence_enrollment: "''",
  user: "email",
};

/**
 * Takes a record for an edit: whoever edits it at the same time waits for the end of this transaction, and then sees the
 * new revision. Rows that only refer to it can still be written, and sends go on. Undefined if there is none.
 */
export async function lockRecord(
  tx: Queryable,
  table: Editable,
  id: string,
): Promise<{ revision: number; name: string } | undefined> {
  const { rows } = await tx.query<{ revision: number; name: string }>(
    `select revision, ${nameColumns[table]} as name from "${table}" where id = $1 for no key update`,
    [id],
  );
  return rows[0];
}
