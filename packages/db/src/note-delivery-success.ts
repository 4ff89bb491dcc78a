import { TRANSPORT_SCOPE } from "@dripline/domain/delivery-backoff";
import type { Queryable } from "./database.ts";

/**
 * An email that tried whether these scopes work again was accepted. The transport is used as usual from now on. A domain
 * is asked twice as often, until its interval is below `domainOverSeconds`: it may take one email and still be too
 * busy for all. A row that changed after the email was looked at stays as it is. Answers the scopes that are over.
 */
export async function noteDeliverySuccess(
  db: Queryable,
  success: { readonly scopes: readonly string[]; readonly domainOverSeconds: number; readonly startedAt: Date },
): Promise<string[]> {
  const { rows } = await db.query<{ scope: string }>({
    name: "note-delivery-success",
    text: `
      with wanted as materialized (
        select scope, scope = '${TRANSPORT_SCOPE}' or interval_seconds / 2 < $2 as is_over
        from delivery_backoff where scope = any($1) and updated_at < $3 order by scope for update
      ),
      halved as (
        update delivery_backoff b
        set interval_seconds = b.interval_seconds / 2, updated_at = clock_timestamp(),
            next_at = least(b.next_at, clock_timestamp() + make_interval(secs => b.interval_seconds / 2))
        from wanted w where b.scope = w.scope and not w.is_over
      )
      delete from delivery_backoff b using wanted w where b.scope = w.scope and w.is_over
      returning b.scope`,
    values: [success.scopes, success.domainOverSeconds, success.startedAt],
  });
  return rows.map((row) => row.scope);
}
