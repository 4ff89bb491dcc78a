import type { Queryable } from "../database.ts";

export interface Unwilling {
  readonly email: string;
  readonly why: "suppressed" | "opted_out";
}

/** Which of these addresses get no email, whoever sends it: suppressed, or those of a contact who opted out. */
export async function findUnwilling(db: Queryable, emails: readonly string[]): Promise<Unwilling[]> {
  const { rows } = await db.query<Unwilling>(
    `select asked.email, case when x.id is null then 'opted_out' else 'suppressed' end as why
     from unnest($1::text[]) asked(email)
     left join suppression x on lower(x.email) = lower(asked.email)
     left join contact c on lower(c.email) = lower(asked.email) and c.opted_out_at is not null
     where x.id is not null or c.id is not null`,
    [emails],
  );
  return rows;
}
