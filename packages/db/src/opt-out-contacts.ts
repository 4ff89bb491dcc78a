import type { Queryable } from "./database.ts";

/** They want no more email. Answers those who wanted some until now. */
export async function optOutContacts(db: Queryable, contactIds: readonly string[], now: Date): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `update contact set opted_out_at = $2, revision = revision + 1, updated_at = $2
     where id = any($1) and opted_out_at is null returning id`,
    [contactIds, now],
  );
  return rows.map((row) => row.id);
}

/** They asked for email again; what ended when they opted out stays ended. Answers those who wanted none until now. */
export async function optInContacts(db: Queryable, contactIds: readonly string[], now: Date): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `update contact set opted_out_at = null, revision = revision + 1, updated_at = $2
     where id = any($1) and opted_out_at is not null returning id`,
    [contactIds, now],
  );
  return rows.map((row) => row.id);
}
