import { TimeZone } from "@dripline/domain/time-zone";
import { z } from "zod";
import { Attributes, CountryCode, Id, Instant, line } from "./fields.ts";
import { instantRange } from "./instant-range.ts";
import { listQuery, pageOf, Search } from "./list.ts";
import { defineOperation } from "./operation.ts";
import { Revision } from "./revision.ts";

export const Company = z
  .strictObject({
    id: Id,
    name: z.string(),
    timezone: z.string().nullable(),
    country: z.string().nullable(),
    attributes: z.record(z.string(), z.unknown()),
    revision: Revision,
    created_at: Instant,
    updated_at: Instant,
  })
  .meta({ id: "Company" });
export type Company = z.output<typeof Company>;

const fields = {
  name: line(200),
  timezone: TimeZone.nullable(),
  country: CountryCode.nullable(),
  attributes: Attributes,
};

export const CompanyInput = z
  .strictObject({
    ...fields,
    timezone: fields.timezone.default(null),
    country: fields.country.default(null),
    attributes: fields.attributes.default({}),
  })
  .meta({ id: "CompanyInput", examples: [{ name: "Acme Ltd", timezone: "Asia/Bangkok", country: "TH" }] });

export const CompanyPatch = z
  .strictObject({ ...fields, attributes: fields.attributes.describe("Take the place of all that are there") })
  .partial()
  .refine((changes) => Object.keys(changes).length > 0, "names nothing to change")
  .meta({ id: "CompanyPatch", examples: [{ timezone: "Europe/Berlin" }] });

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
    filters: {
      name: z.string().max(1_000).optional().describe("Exactly this name, in any letter case"),
      country: CountryCode.optional(),
      ...instantRange("created_at"),
      search: Search.optional().describe("In the name"),
    },
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

const editing =
  "What is planned already keeps its moment, and is looked at again when it comes: with the time zone and the values of then.";

export const replaceCompany = defineOperation({
  id: "replaceCompany",
  method: "PUT",
  path: "/api/v1/companies/{id}/",
  summary: "Replace a company",
  description: `What is left out gets its default. ${editing}`,
  tag,
  auth: "key",
  takesIfMatch: true,
  params: z.strictObject({ id: Id }),
  body: CompanyInput,
  success: 200,
  output: Company,
  errors: [],
});

export const updateCompany = defineOperation({
  id: "updateCompany",
  method: "PATCH",
  path: "/api/v1/companies/{id}/",
  summary: "Change a company",
  description: `What is left out stays. ${editing}`,
  tag,
  auth: "key",
  takesIfMatch: true,
  params: z.strictObject({ id: Id }),
  body: CompanyPatch,
  success: 200,
  output: Company,
  errors: [],
});

export const deleteCompany = defineOperation({
  id: "deleteCompany",
  method: "DELETE",
  path: "/api/v1/companies/{id}/",
  summary: "Delete a company",
  description:
    "Its contacts stay, without a company, and so do enrollments that are over. While somebody of it is on their way through a sequence it is `in_use`: their emails may name it or follow its time zone, and would be held or go out at another hour.",
  tag,
  auth: "key",
  takesIfMatch: true,
  params: z.strictObject({ id: Id }),
  success: 204,
  output: z.strictObject({ id: Id }),
  errors: ["in_use"],
});
