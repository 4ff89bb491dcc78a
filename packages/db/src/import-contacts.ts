import type { ContactState } from "@dripline/domain/plan-import";
import type { Queryable } from "./database.ts";
import { newId } from "./new-id.ts";

/** The contacts with these addresses (in lower case). Nobody else changes them until the transaction ends. */
export async function lockContactStates(tx: Queryable, addresses: readonly string[]): Promise<ContactState[]> {
  const { rows } = await tx.query({
    name: "lock-contact-states",
    text: `
      select c.id, c.email, c.first_name, c.last_name, co.name as company_name, c.timezone, c.country, c.attributes
      from contact c left join company co on co.id = c.company_id
      where lower(c.email) = any($1)
      order by c.id for no key update of c`,
    values: [addresses],
  });
  return rows.map((row) => ({
    id: row.id,
    email: row.email,
    firstName: row.first_name,
    lastName: row.last_name,
    companyName: row.company_name,
    timezone: row.timezone,
    country: row.country,
    attributes: row.attributes,
  }));
}

/**
 * The ids of the companies of these names, by the name as it is given. Which letters are the same is the database's word
 * alone: JavaScript lowers "ΑΕΣ" and "İ" to something else. Of several of one name it is the oldest, of those that are missing a
 * new one, spelled as it stands first.
 */
export async function companyIdsByName(tx: Queryable, names: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const found = await findCompanies(tx, names);
  if (names.every((name) => found.has(name))) return found;

  // Names are not unique in the table: of two imports that miss the same one, one makes it and the other finds it.
  await tx.query("select pg_advisory_xact_lock($1)", [newCompaniesLock]);
  const foundNow = await findCompanies(tx, names);
  const missing = names.filter((name) => !foundNow.has(name));
  await tx.query({
    name: "insert-companies",
    text: `
      insert into company (id, name)
      select distinct on (lower(name)) id, name from unnest($1::uuid[], $2::text[]) with ordinality as n(id, name, place)
      order by lower(name), place`,
    values: [missing.map(newId), missing],
  });
  return findCompanies(tx, names);
}

/** Any number that nobody else in this database uses for an advisory lock: "comp" in ASCII. */
const newCompaniesLock = 0x636f6d70;

async function findCompanies(tx: Queryable, names: readonly string[]): Promise<Map<string, string>> {
  const { rows } = await tx.query<{ name: string; id: string }>({
    name: "find-companies-by-name",
    text: `select distinct on (n.name) n.name, c.id
           from unnest($1::text[]) as n(name) join company c on lower(c.name) = lower(n.name)
           order by n.name, c.created_at, c.id`,
    values: [names],
  });
  return new Map(rows.map(({ name, id }) => [name, id]));
}

/** A contact to write, with the id of its company instead of the name. */
export type ContactToWrite = Omit<ContactState, "companyName"> & { readonly companyId: string | null };

/** Inserts new contacts. False if an address of them was taken a moment before: look at them again. */
export async function insertContactStates(tx: Queryable, contacts: readonly ContactToWrite[]): Promise<boolean> {
  if (contacts.length === 0) return true;
  const { rowCount } = await tx.query({
    name: "insert-contact-states",
    text: `
      insert into contact (id, email, first_name, last_name, company_id, timezone, country, attributes)
      select * from ${recordset} order by lower(i.email)
      on conflict do nothing`,
    values: [JSON.stringify(contacts)],
  });
  return rowCount === contacts.length;
}

/** Writes contacts that `lockContactStates` has locked. */
export async function updateContactStates(
  tx: Queryable,
  contacts: readonly ContactToWrite[],
  now: Date,
): Promise<void> {
  if (contacts.length === 0) return;
  await tx.query({
    name: "update-contact-states",
    text: `
      update contact c
      set first_name = i."firstName", last_name = i."lastName", company_id = i."companyId", timezone = i.timezone,
          country = i.country, attributes = i.attributes, revision = c.revision + 1, updated_at = $2
      from ${recordset} where c.id = i.id`,
    values: [JSON.stringify(contacts), now],
  });
}

const recordset = `jsonb_to_recordset($1) as i(id uuid, email text, "firstName" text, "lastName" text, "companyId" uuid,
  timezone text, country text, attributes jsonb)`;
