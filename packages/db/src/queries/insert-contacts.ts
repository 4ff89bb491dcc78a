import type { Queryable } from "../database.ts";
import { newId } from "../new-id.ts";
import type { NewContact } from "./insert-contact.ts";

/**
 * Writes these contacts, each unless one with its address exists; of that nothing is changed. Answers for each, in their
 * order, the id of the one that is there now. The same address twice is one contact, and new for the first of them alone.
 */
export async function insertContacts(
  db: Queryable,
  contacts: readonly NewContact[],
): Promise<{ readonly id: string; readonly isNew: boolean }[]> {
  if (contacts.length === 0) return [];
  const firsts = new Map<string, NewContact & { readonly id: string }>();
  for (const contact of contacts) {
    const address = contact.email.toLowerCase();
    if (!firsts.has(address)) firsts.set(address, { ...contact, id: newId() });
  }
  const { rows: inserted } = await db.query<{ id: string }>({
    name: "insert-contacts",
    text: `
      insert into contact (id, email, first_name, last_name, company_id, timezone, country, attributes)
      select i.id, i.email, coalesce(i."firstName", ''), coalesce(i."lastName", ''), i."companyId", i.timezone, i.country,
             coalesce(i.attributes, '{}')
      from jsonb_to_recordset($1) as i(id uuid, email text, "firstName" text, "lastName" text, "companyId" uuid,
                                       timezone text, country text, attributes jsonb)
      order by lower(i.email) -- two lists with the same people wait for each other, and do not deadlock
      on conflict do nothing
      returning id`,
    values: [JSON.stringify([...firsts.values()])],
  });
  const isInserted = new Set(inserted.map(({ id }) => id));
  // A statement of its own: that one does not see the rows that stood in its way.
  const { rows: present } = await db.query<{ id: string; address: string }>({
    name: "find-contacts-by-address",
    text: "select id, lower(email) as address from contact where lower(email) = any($1)",
    values: [[...firsts.keys()]],
  });
  const idOf = new Map(present.map(({ id, address }) => [address, id]));
  return contacts.map((contact) => {
    const address = contact.email.toLowerCase();
    const id = idOf.get(address);
    if (id === undefined) throw new Error("a contact stood in the way of an insert and is gone: try again");
    return { id, isNew: isInserted.delete(id) };
  });
}

/** Takes contacts back that this transaction has inserted, and nobody knows of yet. */
export async function deleteNewContacts(tx: Queryable, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await tx.query({ name: "delete-new-contacts", text: "delete from contact where id = any($1)", values: [ids] });
}
