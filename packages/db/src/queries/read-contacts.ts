import { and, eq, isNotNull, isNull, type SQL, sql } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { company, contact } from "../schema/people.ts";
import { contains } from "./contains.ts";
import { fullName } from "./full-name.ts";
import { type InstantRange, inRange } from "./in-range.ts";
import { type Clauses, type Page, type PageRequest, readPage } from "./keyset.ts";

export interface ContactFilters extends InstantRange<"created_at"> {
  readonly email?: string | undefined;
  readonly company?: string | undefined;
  readonly opted_out?: boolean | undefined;
  readonly search?: string | undefined;
}

const fields = {
  id: contact.id,
  email: contact.email,
  first_name: contact.firstName,
  last_name: contact.lastName,
  company: contact.companyId,
  company_name: company.name,
  timezone: contact.timezone,
  country: contact.country,
  attributes: contact.attributes,
  opted_out_at: contact.optedOutAt,
  revision: contact.revision,
  created_at: contact.createdAt,
  updated_at: contact.updatedAt,
};

export type ContactRow = Awaited<ReturnType<typeof findContacts>>[number];

/** One page of the contacts that match. */
export function listContacts(db: Queryable, filters: ContactFilters, request: PageRequest): Promise<Page<ContactRow>> {
  return readPage<ContactRow, string>(request, {
    id: contact.id,
    keys: {
      created_at: { expression: contact.id, type: "uuid" }, // UUIDv7: ids are in the order of creation
      email: { expression: sql`lower(${contact.email})`, type: "text" },
    },
    where: and(
      filters.email === undefined ? undefined : hasAddress(filters.email),
      filters.company === undefined ? undefined : eq(contact.companyId, filters.company),
      isOptedOut(filters.opted_out),
      inRange(contact.createdAt, "created_at", filters),
      contains(filters.search, contact.email, fullName),
    ),
    select: ({ where, orderBy, limit, sortValue }: Clauses) =>
      orm(db)
        .select({ ...fields, sort_value: sortValue })
        .from(contact)
        .leftJoin(company, eq(company.id, contact.companyId))
        .where(where)
        .orderBy(...orderBy)
        .limit(limit),
    count: (where) => orm(db).$count(contact, where),
  });
}

/** The contact with this id, if there is one. */
export async function findContact(db: Queryable, id: string): Promise<ContactRow | undefined> {
  return (await findContacts(db, eq(contact.id, id)))[0];
}

/** The id of the contact with this address, in any letter case. */
export async function findContactIdByEmail(db: Queryable, email: string): Promise<string | undefined> {
  const rows = await orm(db).select({ id: contact.id }).from(contact).where(hasAddress(email));
  return rows[0]?.id;
}

function findContacts(db: Queryable, where: SQL) {
  return orm(db).select(fields).from(contact).leftJoin(company, eq(company.id, contact.companyId)).where(where);
}

function isOptedOut(asked: boolean | undefined): SQL | undefined {
  if (asked === undefined) return undefined;
  return asked ? isNotNull(contact.optedOutAt) : isNull(contact.optedOutAt);
}

function hasAddress(email: string): SQL {
  return sql`lower(${contact.email}) = lower(${email})`;
}
