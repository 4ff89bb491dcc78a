import { and, eq, sql } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { company } from "../schema/people.ts";
import { contains } from "./contains.ts";
import { type InstantRange, inRange } from "./in-range.ts";
import { type Page, type PageRequest, readPage } from "./keyset.ts";

export interface CompanyFilters extends InstantRange<"created_at"> {
  readonly name?: string | undefined;
  readonly country?: string | undefined;
  readonly search?: string | undefined;
}

const fields = {
  id: company.id,
  name: company.name,
  timezone: company.timezone,
  country: company.country,
  attributes: company.attributes,
  revision: company.revision,
  created_at: company.createdAt,
  updated_at: company.updatedAt,
};

export type CompanyRow = Awaited<ReturnType<typeof findCompanies>>[number];

/** One page of the companies that match. */
export function listCompanies(db: Queryable, filters: CompanyFilters, request: PageRequest): Promise<Page<CompanyRow>> {
  return readPage<CompanyRow, string>(request, {
    id: company.id,
    keys: {
      created_at: { expression: company.id, type: "uuid" }, // UUIDv7: ids are in the order of creation
      name: { expression: sql`lower(${company.name})`, type: "text" },
    },
    where: and(
      filters.name === undefined ? undefined : sql`lower(${company.name}) = lower(${filters.name})`,
      filters.country === undefined ? undefined : eq(company.country, filters.country),
      inRange(company.createdAt, "created_at", filters),
      contains(filters.search, company.name),
    ),
    select: ({ where, orderBy, limit, sortValue }) =>
      orm(db)
        .select({ ...fields, sort_value: sortValue })
        .from(company)
        .where(where)
        .orderBy(...orderBy)
        .limit(limit),
    count: (where) => orm(db).$count(company, where),
  });
}

/** The company with this id, if there is one. */
export async function findCompany(db: Queryable, id: string): Promise<CompanyRow | undefined> {
  return (await findCompanies(db, id))[0];
}

function findCompanies(db: Queryable, id: string) {
  return orm(db).select(fields).from(company).where(eq(company.id, id));
}
