import { TimeZone } from "@dripline/domain/time-zone";
import { z } from "zod";
import { EmailAddress } from "./email-address.ts";
import { Attributes, CountryCode, Id, Instant, optionalLine } from "./fields.ts";
import { instantRange } from "./instant-range.ts";
import { BooleanFilter, listQuery, pageOf, Search } from "./list.ts";
import { defineOperation } from "./operation.ts";
import { Revision } from "./revision.ts";

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
    revision: Revision,
    created_at: Instant,
    updated_at: Instant,
  })
  .meta({ id: "Contact" });
export type Contact = z.output<typeof Contact>;

const fields = {
  email: EmailAddress,
  first_name: optionalLine(100),
  last_name: optionalLine(100),
  company: Id.nullable(),
  timezone: TimeZone.nullable(),
  country: CountryCode.nullable(),
  attributes: Attributes,
};

export const ContactInput = z
  .strictObject({
    ...fields,
    first_name: fields.first_name.default(""),
    last_name: fields.last_name.default(""),
    company: fields.company.default(null),
    timezone: fields.timezone.default(null),
    country: fields.country.default(null),
    attributes: fields.attributes.default({}),
  })
  .meta({
    id: "ContactInput",
    examples: [{ email: "ann@example.com", first_name: "Ann", last_name: "Lee", timezone: "Asia/Bangkok" }],
  });

export const ContactPatch = z
  .strictObject({
    ...fields,
    attributes: fields.attributes.describe("Take the place of all that are there"),
    opted_out: z
      .boolean()
      .describe(
        "`true`: the contact wants no more email; every live enrollment ends at once as `unsubscribed`, as after the unsubscribe link. `false` is for people who asked for email again, and for nobody else: what ended stays ended, and an address on the suppression list still gets nothing",
      ),
  })
  .partial()
  .refine((changes) => Object.keys(changes).length > 0, "names nothing to change")
  .meta({ id: "ContactPatch", examples: [{ first_name: "Ann" }] });
export type ContactPatch = z.output<typeof ContactPatch>;

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
      opted_out: BooleanFilter.optional().describe("Whether the contact wants no more email"),
      ...instantRange("created_at"),
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

const editing =
  "What is planned already keeps its moment, and is looked at again when it comes: with the address, the time zone and the values of then.";

export const replaceContact = defineOperation({
  id: "replaceContact",
  method: "PUT",
  path: "/api/v1/contacts/{id}/",
  summary: "Replace a contact",
  description: `What is left out gets its default. Whether the contact wants email stays as it is; PATCH says that. ${editing}`,
  tag,
  auth: "key",
  takesIfMatch: true,
  params: z.strictObject({ id: Id }),
  body: ContactInput,
  success: 200,
  output: Contact,
  errors: ["email_taken"],
});

export const updateContact = defineOperation({
  id: "updateContact",
  method: "PATCH",
  path: "/api/v1/contacts/{id}/",
  summary: "Change a contact, opt them out or back in",
  description: `What is left out stays. ${editing}`,
  tag,
  auth: "key",
  takesIfMatch: true,
  params: z.strictObject({ id: Id }),
  body: ContactPatch,
  success: 200,
  output: Contact,
  errors: ["email_taken"],
});

export const deleteContact = defineOperation({
  id: "deleteContact",
  method: "DELETE",
  path: "/api/v1/contacts/{id}/",
  summary: "Delete a contact who was never enrolled",
  description:
    "Enrollments are the record of what somebody got, so whoever has one stays; opt them out instead. The address of a deleted contact who had opted out is put on the suppression list, so that the next import does not forget their wish.",
  tag,
  auth: "key",
  takesIfMatch: true,
  params: z.strictObject({ id: Id }),
  success: 204,
  output: z.strictObject({ id: Id }),
  errors: ["in_use"],
});
