import type { Queryable } from "./database.ts";

/**
 * Takes the turn at something that one process of all does every so many hours, by the database's clock. Answers whether it
 * was to be had: of several at once one gets it, and nobody again until then.
 */
export async function takeTurn(db: Queryable, name: string, everyHours: number): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into sweep_cursor (sweep, at) values ($1, now())
     on conflict (sweep) do update set at = excluded.at
     where sweep_cursor.at <= excluded.at - make_interval(hours => $2::int)`,
    [name, everyHours],
  );
  return rowCount === 1;
}
