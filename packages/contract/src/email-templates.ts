import { z } from "zod";
import { Id, Instant, line, text } from "./fields.ts";
import { listQuery, pageOf, Search } from "./list.ts";
import { defineOperation } from "./operation.ts";
import { Revision } from "./revision.ts";

const summaryFields = {
  id: Id,
  name: z.string(),
  subject: z.string(),
  version: z.int().describe("Number of the current version, from 1"),
  variables: z.array(z.string()).describe("What subject and body ask for, such as `contact.first_name`"),
  revision: Revision,
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

const fields = {
  name: line(200),
  subject: line(500).describe("Liquid"),
  mjml: text(200_000).min(1, "must not be empty").describe("MJML with Liquid in it"),
  text: text(100_000),
};

export const EmailTemplateInput = z
  .strictObject({ ...fields, text: fields.text.optional().describe("Liquid. Made from the HTML if left out") })
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

export const EmailTemplatePatch = z
  .strictObject({
    ...fields,
    text: fields.text
      .nullable()
      .describe(
        "Liquid. null makes it from the HTML. Left out, a text that was made from the HTML is made anew with it, and one that was written stays",
      ),
  })
  .partial()
  .refine((changes) => Object.keys(changes).length > 0, "names nothing to change")
  .meta({ id: "EmailTemplatePatch", examples: [{ subject: "Welcome aboard, {{ contact.first_name }}" }] });
export type EmailTemplatePatch = z.output<typeof EmailTemplatePatch>;

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

const editing =
  "Another subject, MJML or text makes a new version, which every email takes that is composed from now on, also of people who are on their way; a new name alone makes none. Versions never change, and what was sent goes on naming the one it was made from.";

export const replaceEmailTemplate = defineOperation({
  id: "replaceEmailTemplate",
  method: "PUT",
  path: "/api/v1/email-templates/{id}/",
  summary: "Replace an email template",
  description: editing,
  tag,
  auth: "key",
  takesIfMatch: true,
  params: z.strictObject({ id: Id }),
  body: EmailTemplateInput,
  success: 200,
  output: EmailTemplate,
  errors: ["name_taken", "template_invalid"],
});

export const updateEmailTemplate = defineOperation({
  id: "updateEmailTemplate",
  method: "PATCH",
  path: "/api/v1/email-templates/{id}/",
  summary: "Change an email template",
  description: `What is left out stays. ${editing}`,
  tag,
  auth: "key",
  takesIfMatch: true,
  params: z.strictObject({ id: Id }),
  body: EmailTemplatePatch,
  success: 200,
  output: EmailTemplate,
  errors: ["name_taken", "template_invalid"],
});

export const deleteEmailTemplate = defineOperation({
  id: "deleteEmailTemplate",
  method: "DELETE",
  path: "/api/v1/email-templates/{id}/",
  summary: "Delete an email template that no step uses",
  description:
    "With all its versions. A step of any version of a sequence counts, also of one that is over: it is the record of what people got. `sequences` of an `in_use` has up to 20.",
  tag,
  auth: "key",
  takesIfMatch: true,
  params: z.strictObject({ id: Id }),
  success: 204,
  output: z.strictObject({ id: Id }),
  errors: ["in_use"],
});
