import type { BackoffReason, DeliveryBackoff } from "@dripline/domain/delivery-backoff";
import type { Queryable } from "./database.ts";

/**
 * Those who find the place taken come back so far apart: at most twenty looks a second for a scope, however many wait.
 * 5,000 emails behind one are back within four minutes of its next try, and cost nothing in between.
 */
const suggestionSeconds = 0.05;

/** The turn of one email in every scope that is slowed down. */
export interface DeliveryPlace {
  readonly kind: "taken";
  /** Those scopes: this email tries whether they work again. Empty as a rule. */
  readonly probes: readonly string[];
}

export type DeliveryPlaceAnswer =
  | DeliveryPlace
  /** It is another email's turn; this one comes back at `comeBackAt`. */
  | { readonly kind: "backed_off"; readonly backoff: DeliveryBackoff; readonly comeBackAt: Date };

/**
 * Takes the turn of one email in those of its scopes that are slowed down, in all of them or in none, by the database's
 * clock and over all workers: one statement that moves `next_at` on by the interval, if it has come. Who finds it taken
 * is told a moment to come back at, the first after `next_at` that nobody else was told, so that the next try is made as
 * soon as it may be and the others do not all come at once.
 */
export async function takeDeliveryPlace(db: Queryable, scopes: readonly string[]): Promise<DeliveryPlaceAnswer> {
  const { rows } = await db.query<{
    scope: string;
    reason: BackoffReason;
    message: string;
    since: Date;
    next_at: Date;
    interval_seconds: number;
    is_taken: boolean;
    come_back_at: Date;
  }>({
    name: "take-delivery-place",
    text: `
      with wanted as materialized (
        select scope, next_at from delivery_backoff where scope = any($1) order by scope for update
      ),
      blocking as materialized (
        select scope from wanted where next_at > clock_timestamp() order by next_at desc limit 1
      )
      update delivery_backoff b
      set next_at = case when k.scope is null then clock_timestamp() + make_interval(secs => b.interval_seconds) else b.next_at end,
          suggested_at = case when k.scope is null then b.suggested_at
                              else greatest(b.suggested_at, b.next_at) + make_interval(secs => $2) end
      from wanted w left join blocking k on true
      where b.scope = w.scope and (k.scope is null or k.scope = w.scope)
      returning b.scope, b.reason, b.message, b.since, b.next_at, b.interval_seconds, k.scope is null as is_taken,
                b.suggested_at - make_interval(secs => $2) as come_back_at`,
    values: [scopes, suggestionSeconds],
  });
  const blocking = rows.find((row) => !row.is_taken);
  if (blocking === undefined) return { kind: "taken", probes: rows.map((row) => row.scope) };
  const { scope, reason, message, since, next_at: nextAt, interval_seconds: intervalSeconds } = blocking;
  const backoff = { scope, reason, message, since, nextAt, intervalSeconds };
  return { kind: "backed_off", backoff, comeBackAt: blocking.come_back_at };
}

/** For an email that took its turn and did not try: the next one may, at once, and also where the machine's clock is set back a little meanwhile. */
export async function giveBackDeliveryPlace(db: Queryable, { probes }: Pick<DeliveryPlace, "probes">): Promise<void> {
  if (probes.length === 0) return;
  await db.query({
    name: "give-back-delivery-place",
    text: "update delivery_backoff set next_at = least(next_at, clock_timestamp() - interval '1 second') where scope = any($1)",
    values: [probes],
  });
}
