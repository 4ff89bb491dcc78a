import type { Queryable } from "./database.ts";

/** How far the database's clock is ahead of this machine's (negative: behind), as far as one round trip can tell. */
export interface ClockSkew {
  readonly milliseconds: number;
  /** The truth is no further from it than this: half the time that the answer took. */
  readonly uncertaintyMilliseconds: number;
}

/**
 * Compares this machine's clock with the database's, over a connection that is open already.
 * @throws when the database cannot be reached
 */
export async function readClockSkew(db: Queryable, now: () => Date): Promise<ClockSkew> {
  const asked = now().getTime();
  const { rows } = await db.query<{ now: Date }>("select clock_timestamp() as now");
  const answered = now().getTime();
  const database = rows[0]?.now.getTime() ?? Number.NaN;
  return {
    milliseconds: database - (asked + answered) / 2,
    uncertaintyMilliseconds: Math.abs(answered - asked) / 2,
  };
}
