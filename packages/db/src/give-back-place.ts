import type { Queryable } from "./database.ts";
import type { SendPlace } from "./take-send-place.ts";

/**
 * For an email that did not leave: its places of the day and its contact's gap are free again, the slot of the rate is
 * not. `claimGeneration` is that of the claim that came to nothing, null if there was none. One statement after the
 * other, each its own transaction: nothing is held while something else is waited for.
 */
export async function giveBackPlace(
  db: Queryable,
  { quotas, gap }: SendPlace,
  claimGeneration: number | null,
): Promise<void> {
  if (gap !== null) {
    await db.query({
      name: "give-back-contact-gap",
      // Only if it is still the one that was taken: a later email may have taken its own since. And not if the same
      // email is being sent, or was, by the worker that won the race for it: then the gap is that one's.
      text: `update contact c set email_gap_until = null, email_gap_execution_id = null
             where c.id = $1 and c.email_gap_until = $2 and not exists (
               select from step_execution e
               where e.id = $3 and (e.status in ('sent', 'in_doubt') or (e.status = 'sending' and e.generation is distinct from $4)))`,
      values: [gap.contactId, gap.until, gap.executionId, claimGeneration],
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
