import type { Queryable } from "./database.ts";

/**
 * Everybody who was sent on to these dates is planned anew, so nobody is expected on them any more; what was sent still
 * counts. Bookings of dates that are over mean nothing to anybody, so they may go as well.
 */
export async function forgetBookings(db: Queryable, scopes: readonly string[]): Promise<void> {
  await db.query({
    name: "forget-bookings",
    text: "update send_quota set booked = 0 where scope = any($1) and booked > 0",
    values: [scopes],
  });
}
