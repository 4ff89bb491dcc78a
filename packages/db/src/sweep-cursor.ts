import type { Queryable } from "./database.ts";

export interface SweepCursor {
  /** How far the sweep has come; null before its first run. */
  readonly at: Date | null;
  /** The database's clock. */
  readonly now: Date;
}

export async function readSweepCursor(db: Queryable, sweep: string): Promise<SweepCursor> {
  const { rows } = await db.query<SweepCursor>(
    "select clock_timestamp() as now, (select at from sweep_cursor where sweep = $1) as at",
    [sweep],
  );
  const [row] = rows;
  if (row === undefined) throw new Error("the database's clock was not read");
  return row;
}

/** Moves the cursor forward to `at`; another worker's may be further already, and then it stays there. */
export async function advanceSweepCursor(db: Queryable, sweep: string, at: Date): Promise<void> {
  await db.query(
    `insert into sweep_cursor (sweep, at) values ($1, $2)
     on conflict (sweep) do update set at = greatest(sweep_cursor.at, excluded.at)`,
    [sweep, at],
  );
}

/** Takes it to `at`, also backwards: for a walk that starts over at the end. */
export async function setSweepCursor(db: Queryable, sweep: string, at: Date): Promise<void> {
  await db.query(
    "insert into sweep_cursor (sweep, at) values ($1, $2) on conflict (sweep) do update set at = excluded.at",
    [sweep, at],
  );
}
