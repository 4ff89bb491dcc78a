import type { BackoffReason, BackoffSteps } from "@dripline/domain/delivery-backoff";
import type { Queryable } from "./database.ts";

export interface DeliveryFailure {
  readonly scope: string;
  readonly reason: BackoffReason;
  /** What the server said. */
  readonly message: string;
  readonly steps: BackoffSteps;
  /** A factor about 1 for the time until the next try. */
  readonly jitter: number;
  /** When the email that failed was looked at, by the database's clock. */
  readonly startedAt: Date;
}

/** How the scope stands now. */
export interface NotedFailure {
  readonly nextAt: Date;
  readonly intervalSeconds: number;
}

/**
 * Slows a scope down: the first failure begins with the shortest interval, each further one doubles it, up to the
 * longest. Emails that were under way together fail together, and that is one failure: of an email that was looked at
 * before the row changed last, nothing is written and undefined is the answer.
 */
export async function noteDeliveryFailure(
  db: Queryable,
  { scope, reason, message, steps, jitter, startedAt }: DeliveryFailure,
): Promise<NotedFailure | undefined> {
  const { rows } = await db.query<{ next_at: Date; interval_seconds: number }>({
    name: "note-delivery-failure",
    text: `
      insert into delivery_backoff as b (scope, next_at, suggested_at, interval_seconds, reason, message, since, updated_at)
      values ($1, clock_timestamp() + make_interval(secs => $2::float8 * $4::float8), clock_timestamp(), $2::float8, $5, $6, clock_timestamp(), clock_timestamp())
      on conflict (scope) do update
      set interval_seconds = least($3::float8, greatest($2::float8, b.interval_seconds * 2)),
          next_at = clock_timestamp() + make_interval(secs => least($3::float8, greatest($2::float8, b.interval_seconds * 2)) * $4::float8),
          reason = $5, message = $6, updated_at = clock_timestamp()
      where b.updated_at < $7
      returning next_at, interval_seconds`,
    values: [scope, steps.firstSeconds, steps.longestSeconds, jitter, reason, message, startedAt],
  });
  const row = rows[0];
  return row && { nextAt: row.next_at, intervalSeconds: row.interval_seconds };
}
