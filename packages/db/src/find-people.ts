import type { Queryable } from "./database.ts";

export interface FoundContact {
  readonly id: string;
  readonly email: string;
}

/** The contacts with these ids or, in any letter case, these addresses. Those that do not exist are missing. */
export async function findContacts(
  db: Queryable,
  { ids, emails }: { readonly ids: readonly string[]; readonly emails: readonly string[] },
): Promise<FoundContact[]> {
  const { rows } = await db.query<{ id: string; email: string }>({
    name: "find-contacts",
    text: `select id, email from contact where id = any($1)
           union select id, email from contact where lower(email) = any($2)`,
    values: [ids, emails.map((email) => email.toLowerCase())],
  });
  return rows;
}

/** Which of these addresses get nothing, in lower case. */
export async function findSuppressed(db: Queryable, emails: readonly string[]): Promise<Set<string>> {
  const { rows } = await db.query<{ email: string }>({
    name: "find-suppressed",
    text: "select lower(email) as email from suppression where lower(email) = any($1)",
    values: [emails.map((email) => email.toLowerCase())],
  });
  return new Set(rows.map(({ email }) => email));
}
