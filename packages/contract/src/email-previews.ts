import { TimeZone } from "@dripline/domain/time-zone";
import { z } from "zod";
import { EmailAddress } from "./email-address.ts";
import { Attributes, CountryCode, Id, line, optionalLine } from "./fields.ts";
import { defineOperation } from "./operation.ts";
import { VersionChoice } from "./send-plans.ts";

export const PreviewContact = z
  .strictObject({
    email: EmailAddress,
    first_name: optionalLine(100).default(""),
    last_name: optionalLine(100).default(""),
    timezone: TimeZone.nullable().default(null),
    country: CountryCode.nullable().default(null),
    attributes: Attributes.default({}),
    company: z
      .strictObject({
        name: line(200),
        country: CountryCode.nullable().default(null),
        attributes: Attributes.default({}),
      })
      .nullable()
      .default(null),
  })
  .meta({ id: "PreviewContact", description: "Somebody who need not exist. Nothing of it is stored." });

export const PreviewInput = z
  .strictObject({
    contact_id: Id.optional(),
    contact: PreviewContact.optional(),
    version: VersionChoice,
  })
  .check(requireOnePerson)
  .meta({ id: "PreviewInput", examples: [{ contact: { email: "ann@example.com", first_name: "Ann" } }] });
export type PreviewInput = z.output<typeof PreviewInput>;

/** As whom an email is rendered. */
export interface PreviewPerson {
  readonly contact_id?: string | undefined;
  readonly contact?: z.output<typeof PreviewContact> | undefined;
}

export function requireOnePerson({ value, issues }: z.core.ParsePayload<PreviewPerson>): void {
  if ((value.contact_id === undefined) !== (value.contact === undefined)) return;
  const message = "is required: give contact_id or contact, one of them";
  const params = { code: value.contact_id === undefined ? "required" : "invalid" };
  issues.push({ code: "custom", path: ["contact_id"], message, params, input: value });
}

export const PreviewProblem = z.strictObject({
  code: z.string().describe("The reason with which the worker would hold it, such as `missing_variable`"),
  message: z.string(),
  part: z.enum(["subject", "html", "text"]),
  variable: z.string().nullable().describe("What has no value"),
});
export type PreviewProblem = z.output<typeof PreviewProblem>;

export const EmailPreview = z
  .strictObject({
    step_number: z.int(),
    step_name: z.string(),
    is_active: z.boolean().describe("An inactive step is passed over and not sent"),
    subject: z.string().nullable(),
    html: z.string().nullable(),
    text: z.string().nullable(),
    problem: PreviewProblem.nullable().describe(
      "Why it would be held and not sent; then there is no subject, html and text",
    ),
  })
  .meta({ id: "EmailPreview" });
export type EmailPreview = z.output<typeof EmailPreview>;

export const previewEmails = defineOperation({
  id: "previewEmails",
  method: "POST",
  writes: false,
  path: "/api/v1/email-sequences/{id}/preview/",
  summary: "Render every step for a contact",
  description:
    "The email as it would be sent now, except for its unsubscribe link, which leads nowhere. Nothing is sent and nothing written.",
  tag: "email-sequences",
  auth: "key",
  params: z.strictObject({ id: Id }),
  body: PreviewInput,
  success: 200,
  output: z.strictObject({ results: z.array(EmailPreview) }).meta({ id: "EmailPreviews" }),
  errors: ["no_draft"],
});
