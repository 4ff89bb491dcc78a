import { z } from "zod";
import { Id, Instant, line, text } from "./fields.ts";
import { listQuery, pageOf, Search } from "./list.ts";
import { defineOperation } from "./operation.ts";

const summaryFields = {
  id: Id,
  name: z.string(),
  subject: z.string(),
  version: z.int().describe("Number of the current version, from 1"),
  variables: z.array(z.string()).describe("What subject and body ask for, such as `contact.first_name`"),
  created_at: Instant,
  updated_at: Instant,
};

export const EmailTemplateSummary = z.strictObject(summaryFields).meta({ id: "EmailTemplateSummary" });
export type EmailTemplateSummary = z.output<typeof EmailTemplateSummary>;

export const EmailTemplate = z
  .strictObject({
    ...summaryFields,
    mjml: z.string(),
    html: z.string().describe("Compiled from `mjml`; Liquid is filled in for each contact"),
    text: z.string(),
  })
  .meta({ id: "EmailTemplate" });
export type EmailTemplate = z.output<typeof EmailTemplate>;

export const EmailTemplateInput = z
  .strictObject({
    name: line(200),
    subject: line(500).describe("Liquid"),
    mjml: text(200_000).min(1, "must not be empty").describe("MJML with Liquid in it"),
    text: text(100_000).optional().describe("Liquid. Made from the HTML if left out"),
  })
  .meta({
    id: "EmailTemplateInput",
    examples: [
      {
        name: "Welcome",
        subject: "Welcome, {{ contact.first_name }}",
        mjml: "<mjml><mj-body><mj-section><mj-column><mj-text>Hello {{ contact.first_name }}</mj-text></mj-column></mj-section></mj-body></mjml>",
      },
    ],
  });

const tag = "email-templates";

export const listEmailTemplates = defineOperation({
  id: "listEmailTemplates",
  method: "GET",
  path: "/api/v1/email-templates/",
  summary: "List email templates",
  description: "Without their bodies.",
  tag,
  auth: "key",
  query: listQuery({
    orderings: ["-created_at", "name"],
    filters: { search: Search.optional().describe("In name and subject") },
  }),
  success: 200,
  output: pageOf(EmailTemplateSummary, "EmailTemplatePage"),
  errors: [],
});

export const createEmailTemplate = defineOperation({
  id: "createEmailTemplate",
  method: "POST",
  path: "/api/v1/email-templates/",
  summary: "Create an email template",
  description: "The MJML is compiled now, so what does not compile is refused now, with line and column.",
  tag,
  auth: "key",
  body: EmailTemplateInput,
  success: 201,
  output: EmailTemplate,
  errors: ["name_taken", "template_invalid"],
});

export const getEmailTemplate = defineOperation({
  id: "getEmailTemplate",
  method: "GET",
  path: "/api/v1/email-templates/{id}/",
  summary: "Get an email template",
  tag,
  auth: "key",
  params: z.strictObject({ id: Id }),
  success: 200,
  output: EmailTemplate,
  errors: [],
});
