import { z } from "zod";
import { EmailTemplate } from "./email-templates.ts";
import { Id, Instant } from "./fields.ts";
import { listQuery, pageOf } from "./list.ts";
import { defineOperation } from "./operation.ts";

/** In a path: a number that no version can have names nothing, so it is a 404. */
export const VersionNumber = z.coerce.number().int().min(1).max(2_147_483_647);

const summaryFields = {
  id: Id,
  email_template: Id,
  version_number: z.int(),
  subject: z.string(),
  variables: z.array(z.string()).describe("What subject and body ask for, such as `contact.first_name`"),
  is_current: z.boolean().describe("The next email uses it"),
  created_by: Id.nullable(),
  created_by_name: z.string().nullable(),
  created_at: Instant,
};

export const EmailTemplateVersionSummary = z.strictObject(summaryFields).meta({ id: "EmailTemplateVersionSummary" });

export const EmailTemplateVersion = z
  .strictObject({ ...summaryFields, mjml: z.string(), html: z.string(), text: z.string() })
  .meta({ id: "EmailTemplateVersion" });

const tag = "email-templates";

export const listEmailTemplateVersions = defineOperation({
  id: "listEmailTemplateVersions",
  method: "GET",
  path: "/api/v1/email-templates/{id}/versions/",
  summary: "List the versions of an email template",
  description: "The newest first, without their bodies.",
  tag,
  auth: "key",
  params: z.strictObject({ id: Id }),
  query: listQuery({ orderings: ["-version_number"], filters: {} }),
  success: 200,
  output: pageOf(EmailTemplateVersionSummary, "EmailTemplateVersionPage"),
  errors: [],
});

export const getEmailTemplateVersion = defineOperation({
  id: "getEmailTemplateVersion",
  method: "GET",
  path: "/api/v1/email-templates/{id}/versions/{version_number}/",
  summary: "Get a version of an email template",
  description: "As it was compiled when it was saved.",
  tag,
  auth: "key",
  params: z.strictObject({ id: Id, version_number: VersionNumber }),
  success: 200,
  output: EmailTemplateVersion,
  errors: [],
});

export const restoreEmailTemplateVersion = defineOperation({
  id: "restoreEmailTemplateVersion",
  method: "POST",
  path: "/api/v1/email-templates/{id}/versions/{version_number}/restore/",
  summary: "Make an old version of an email template the newest",
  description:
    "What it says becomes a new version, which every email takes that is composed from now on. Restoring the current version changes nothing.",
  tag,
  auth: "key",
  takesIfMatch: true,
  params: z.strictObject({ id: Id, version_number: VersionNumber }),
  success: 200,
  output: EmailTemplate,
  errors: [],
});
