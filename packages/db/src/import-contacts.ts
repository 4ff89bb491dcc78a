import type { ContactState } from "@dripline/domain/plan-import";
import type { Queryable } from "./database.ts";

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
 * The ids of the companies of these names, in any letter case: of several of one name the oldest, of those that are
 * missing a new one. By the name in lower case.
 */
export async function companyIdsByName(tx: Queryable, names: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const wanted = new Map(names.toReversed().map((name) => [name.toLowerCase(), name])); // as it is spelled first
  const found = await findCompanies(tx, [...wanted.keys()]);
  const missing = () => [...wanted].filter(([key]) => !found.has(key)).map(([, name]) => name);
  if (missing().length === 0) return found;

  // Names are not unique in the table: of two imports that miss the same one, one makes it and the other finds it.
  await tx.query("select pg_advisory_xact_lock($1)", [newCompaniesLock]);
  for (const [key, id] of await findCompanies(
    tx,
    missing().map((name) => name.toLowerCase()),
  ))
    found.set(key, id);
  await tx.query({
    name: "insert-companies",
    text: "insert into company (id, name) select gen_random_uuid(), name from unnest($1::text[]) as n(name)",
    values: [missing()],
  });
  return findCompanies(tx, [...wanted.keys()]);
}

/** Any number that nobody else in this database uses for an advisory lock: "comp" in ASCII. */
const newCompaniesLock = 0x636f6d70;

async function findCompanies(tx: Queryable, lowerNames: readonly string[]): Promise<Map<string, string>> {
  const { rows } = await tx.query<{ key: string; id: string }>({
    name: "find-companies-by-name",
    text: `select distinct on (lower(name)) lower(name) as key, id from company
           where lower(name) = any($1) order by lower(name), created_at, id`,
    values: [lowerNames],
  });
  return new Map(rows.map(({ key, id }) => [key, id]));
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
