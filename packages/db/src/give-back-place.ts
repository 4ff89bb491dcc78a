import type { Queryable } from "./database.ts";
import type { SendPlace } from "./take-send-place.ts";

/**
 * For an email that did not leave: its places of the day and its contact's gap are free again, the slot of the rate is
 * not. One statement after the other, each its own transaction: nothing is held while something else is waited for.
 */
export async function giveBackPlace(db: Queryable, { quotas, gap }: SendPlace): Promise<void> {
  if (gap !== null) {
    await db.query({
      name: "give-back-contact-gap",
      // Only if it is still the one that was taken: a later email may have taken its own since.
      text: "update contact set email_gap_until = null where id = $1 and email_gap_until = $2",
      values: [gap.contactId, gap.until],
    });
  }
  for (const { scope, day } of quotas) {
    await db.query({
      name: "give-back-send-quota",
      text: "update send_quota set used = used - 1 where scope = $1 and day = $2 and used > 0",
      values: [scope, day],
    });
  }
}
