import { TimeZone } from "@dripline/domain/time-zone";
import { z } from "zod";
import { EmailAddress } from "./email-address.ts";
import { Attributes, CountryCode, Id, Instant, optionalLine } from "./fields.ts";
import { listQuery, pageOf, Search } from "./list.ts";
import { defineOperation } from "./operation.ts";

export const Contact = z
  .strictObject({
    id: Id,
    email: z.string(),
    first_name: z.string(),
    last_name: z.string(),
    company: Id.nullable(),
    company_name: z.string().nullable(),
    timezone: z.string().nullable(),
    country: z.string().nullable(),
    attributes: z.record(z.string(), z.unknown()),
    opted_out_at: Instant.nullable().describe("Set when the contact wants no more email"),
    created_at: Instant,
    updated_at: Instant,
  })
  .meta({ id: "Contact" });
export type Contact = z.output<typeof Contact>;

export const ContactInput = z
  .strictObject({
    email: EmailAddress,
    first_name: optionalLine(100).default(""),
    last_name: optionalLine(100).default(""),
    company: Id.nullable().default(null),
    timezone: TimeZone.nullable().default(null),
    country: CountryCode.nullable().default(null),
    attributes: Attributes.default({}),
  })
  .meta({
    id: "ContactInput",
    examples: [{ email: "ann@example.com", first_name: "Ann", last_name: "Lee", timezone: "Asia/Bangkok" }],
  });

const tag = "contacts";

export const listContacts = defineOperation({
  id: "listContacts",
  method: "GET",
  path: "/api/v1/contacts/",
  summary: "List contacts",
  tag,
  auth: "key",
  query: listQuery({
    orderings: ["-created_at", "email"],
    filters: {
      email: z.string().max(1_000).optional().describe("Exactly this address, in any letter case"),
      company: Id.optional(),
      search: Search.optional().describe("In address and names"),
    },
  }),
  success: 200,
  output: pageOf(Contact, "ContactPage"),
  errors: [],
});

export const createContact = defineOperation({
  id: "createContact",
  method: "POST",
  path: "/api/v1/contacts/",
  summary: "Create a contact",
  description: "Addresses are unique without regard to letter case.",
  tag,
  auth: "key",
  body: ContactInput,
  success: 201,
  output: Contact,
  errors: ["email_taken"],
});

export const getContact = defineOperation({
  id: "getContact",
  method: "GET",
  path: "/api/v1/contacts/{id}/",
  summary: "Get a contact",
  tag,
  auth: "key",
  params: z.strictObject({ id: Id }),
  success: 200,
  output: Contact,
  errors: [],
});
