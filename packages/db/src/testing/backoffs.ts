import type { Queryable } from "../database.ts";
import { orm } from "../database.ts";
import { deliveryBackoff } from "../schema/limits.ts";

type Backoff = typeof deliveryBackoff.$inferSelect;

export function secondsFromNow(seconds: number): Date {
  return new Date(Date.now() + seconds * 1_000);
}

/** A scope that is slowed down since an hour ago and changed last then; its next email may try now, unless said otherwise. */
export async function insertBackoff(db: Queryable, values: Partial<Backoff> & { scope: string }): Promise<void> {
  const anHourAgo = secondsFromNow(-3_600);
  await orm(db)
    .insert(deliveryBackoff)
    .values({
      nextAt: secondsFromNow(-1),
      suggestedAt: anHourAgo,
      intervalSeconds: 60,
      reason: values.scope === "transport" ? "transport_unusable" : "domain_slowed",
      message: "The mail server cannot be used (authentication): 535 5.7.8 wrong password",
      since: anHourAgo,
      updatedAt: anHourAgo,
      ...values,
    });
}

/** All rows by scope. */
export async function readBackoffs(db: Queryable): Promise<Record<string, Backoff>> {
  const rows = await orm(db).select().from(deliveryBackoff);
  return Object.fromEntries(rows.map((row) => [row.scope, row]));
}

/** From now, in seconds, by this machine's clock, which is also the test database's. */
export function secondsUntil(at: Date | undefined): number {
  return ((at?.getTime() ?? Number.NaN) - Date.now()) / 1_000;
}
