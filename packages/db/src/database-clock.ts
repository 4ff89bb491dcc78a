import type { Queryable } from "./database.ts";

/** The database's clock, for whoever asks once. */
export async function readDatabaseNow(db: Queryable): Promise<Date> {
  const { rows } = await db.query<{ now: Date }>("select clock_timestamp() as now");
  const [row] = rows;
  if (row === undefined) throw new Error("the database's clock was not read");
  return row.now;
}

/** A reading that took longer than this says too little about when it was taken. */
const roundTripMillisecondsMax = 1_000;

/**
 * The database's clock, as this process knows it: the last reading plus what a monotonic clock has counted since. What is
 * written down, and what the next step counts from, follows it, so that a machine whose own clock is wrong, or jumps,
 * neither sends early nor records a moment that never was.
 */
export class DatabaseClock {
  readonly #monotonic: () => number;
  #anchor: { readonly databaseMilliseconds: number; readonly monotonicMilliseconds: number } | undefined;

  /** @param monotonic milliseconds that only ever go up, such as `performance.now` */
  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  /**
   * Reads the database's clock and sets this one by it. Answers the reading, or undefined if it took too long to be of
   * use; then the clock goes on as it was.
   * @throws when the database cannot be reached
   */
  async sync(db: Queryable): Promise<Date | undefined> {
    const asked = this.#monotonic();
    const { rows } = await db.query<{ now: Date }>("select clock_timestamp() as now");
    const answered = this.#monotonic();
    const now = rows[0]?.now;
    if (now === undefined || answered - asked > roundTripMillisecondsMax) return undefined;
    // The reading was taken somewhere between; the middle is wrong by half the round trip at most.
    this.#anchor = { databaseMilliseconds: now.getTime(), monotonicMilliseconds: (asked + answered) / 2 };
    return now;
  }

  /** @throws before the first successful {@link sync} */
  now(): Date {
    if (this.#anchor === undefined) throw new Error("the database's clock was never read");
    const { databaseMilliseconds, monotonicMilliseconds } = this.#anchor;
    return new Date(databaseMilliseconds + this.#monotonic() - monotonicMilliseconds);
  }
}
