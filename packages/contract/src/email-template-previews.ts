import { z } from "zod";
import { EmailAddress } from "./email-address.ts";
import { PreviewContact, PreviewProblem, requireOnePerson } from "./email-previews.ts";
import { Id } from "./fields.ts";
import { defineOperation } from "./operation.ts";

const rendering = {
  contact_id: Id.optional(),
  contact: PreviewContact.optional(),
  sequence_id: Id.optional().describe(
    "Whose name `sequence.name` is; left out, it is `[sequence name]`, since every email that is sent has one",
  ),
  version_number: z.int().min(1).max(2_147_483_647).optional().describe("Left out, the current version"),
};

export const TemplatePreviewInput = z
  .strictObject(rendering)
  .check(requireOnePerson)
  .meta({ id: "TemplatePreviewInput", examples: [{ contact: { email: "ann@example.com", first_name: "Ann" } }] });
export type TemplatePreviewInput = z.output<typeof TemplatePreviewInput>;

export const TemplatePreview = z
  .strictObject({
    version_number: z.int(),
    subject: z.string().nullable(),
    html: z.string().nullable(),
    text: z.string().nullable(),
    variables: z
      .record(z.string(), z.unknown())
      .describe("What the template asks for, with the values it gets; null where there is none"),
    problem: PreviewProblem.nullable().describe(
      "Why it would be held and not sent; then there is no subject, html and text",
    ),
  })
  .meta({ id: "TemplatePreview" });
export type TemplatePreview = z.output<typeof TemplatePreview>;

const tag = "email-templates";

export const previewEmailTemplate = defineOperation({
  id: "previewEmailTemplate",
  method: "POST",
  writes: false,
  path: "/api/v1/email-templates/{id}/preview/",
  summary: "Render an email template for a contact",
  description:
    "The email as it would be sent now, except for its unsubscribe link, which leads nowhere. Nothing is sent and nothing written.",
  tag,
  auth: "key",
  params: z.strictObject({ id: Id }),
  body: TemplatePreviewInput,
  success: 200,
  output: TemplatePreview,
  errors: [],
});

const addressesMax = 5;

export const TestSendInput = z
  .strictObject({
    to: z
      .array(EmailAddress)
      .min(1, "names nobody")
      .max(addressesMax, `names more than ${addressesMax} addresses`)
      .check(refuseSameAddresses),
    ...rendering,
  })
  .check(requireOnePerson)
  .meta({
    id: "TestSendInput",
    examples: [{ to: ["you@example.com"], contact: { email: "ann@example.com", first_name: "Ann" } }],
  });

function refuseSameAddresses({ value, issues }: z.core.ParsePayload<string[]>): void {
  const seen = new Set<string>();
  for (const [index, address] of value.entries()) {
    const same = address.toLowerCase();
    if (seen.has(same)) {
      const message = "is there already";
      issues.push({ code: "custom", path: [index], message, params: { code: "duplicate" }, input: value });
    }
    seen.add(same);
  }
}

export const TestSend = z
  .strictObject({
    id: Id.describe("The template's"),
    version_number: z.int(),
    subject: z.string(),
    results: z.array(
      z.strictObject({
        to: z.string(),
        outcome: z
          .enum(["accepted", "refused", "unreachable", "in_doubt"])
          .describe("`in_doubt`: the mail server did not answer in time; it may arrive or not"),
        response: z.string().describe("What the mail server said, or why there is no answer of it"),
      }),
    ),
  })
  .meta({ id: "TestSend" });

export const testSendEmailTemplate = defineOperation({
  id: "testSendEmailTemplate",
  method: "POST",
  path: "/api/v1/email-templates/{id}/test-send/",
  summary: "Send an email template to yourself, rendered for a contact",
  description: `To at most ${addressesMax} addresses, through the mail server of this installation, at once and outside every window and limit; its subject begins with \`[Test]\`, its unsubscribe link leads nowhere, and it counts as nobody's step. Each address gets one attempt, and \`results\` tells what the mail server said. An address that is suppressed, or of a contact who opted out, is refused, and then nobody gets it.`,
  tag,
  auth: "key",
  params: z.strictObject({ id: Id }),
  body: TestSendInput,
  success: 200,
  output: TestSend,
  errors: ["mail_not_configured", "template_not_renderable"],
});
