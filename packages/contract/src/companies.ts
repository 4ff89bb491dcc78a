import { TimeZone } from "@dripline/domain/time-zone";
import { z } from "zod";
import { Attributes, CountryCode, Id, Instant, line } from "./fields.ts";
import { listQuery, pageOf, Search } from "./list.ts";
import { defineOperation } from "./operation.ts";

export const Company = z
  .strictObject({
    id: Id,
    name: z.string(),
    timezone: z.string().nullable(),
    country: z.string().nullable(),
    attributes: z.record(z.string(), z.unknown()),
    created_at: Instant,
    updated_at: Instant,
  })
  .meta({ id: "Company" });
export type Company = z.output<typeof Company>;

export const CompanyInput = z
  .strictObject({
    name: line(200),
    timezone: TimeZone.nullable().default(null),
    country: CountryCode.nullable().default(null),
    attributes: Attributes.default({}),
  })
  .meta({ id: "CompanyInput", examples: [{ name: "Acme Ltd", timezone: "Asia/Bangkok", country: "TH" }] });

const tag = "companies";

export const listCompanies = defineOperation({
  id: "listCompanies",
  method: "GET",
  path: "/api/v1/companies/",
  summary: "List companies",
  tag,
  auth: "key",
  query: listQuery({
    orderings: ["-created_at", "name"],
    filters: { search: Search.optional().describe("In the name") },
  }),
  success: 200,
  output: pageOf(Company, "CompanyPage"),
  errors: [],
});

export const createCompany = defineOperation({
  id: "createCompany",
  method: "POST",
  path: "/api/v1/companies/",
  summary: "Create a company",
  tag,
  auth: "key",
  body: CompanyInput,
  success: 201,
  output: Company,
  errors: [],
});

export const getCompany = defineOperation({
  id: "getCompany",
  method: "GET",
  path: "/api/v1/companies/{id}/",
  summary: "Get a company",
  tag,
  auth: "key",
  params: z.strictObject({ id: Id }),
  success: 200,
  output: Company,
  errors: [],
});
