import type { Queryable } from "../database.ts";
import { newId } from "../new-id.ts";
import { tryWrite } from "./try-write.ts";

/**
 * Deletes a contact who was never enrolled; an enrollment is the record of what somebody got. Who opted out leaves their
 * address on the suppression list: written down again by the next import, they would be sent to otherwise. Call it in a
 * transaction.
 */
export async function deleteContact(tx: Queryable, id: string, now: Date): Promise<"deleted" | "in_use"> {
  const refusal = await tryWrite(tx, () =>
    tx.query(
      `with gone as (delete from contact where id = $1 returning email, opted_out_at)
       insert into suppression (id, email, reason, note, created_at)
       select $2, email, 'unsubscribe', 'Had opted out when the contact was deleted.', $3 from gone
       where opted_out_at is not null
       on conflict do nothing`,
      [id, newId(), now],
    ),
  );
  return refusal === undefined ? "deleted" : "in_use";
}
