import { z } from "zod";
import { Id, Instant } from "./fields.ts";
import { instantRange } from "./instant-range.ts";
import { listQuery, pageOf, Search } from "./list.ts";
import { defineOperation } from "./operation.ts";

const EmailOutcome = z.enum(["accepted", "in_doubt"]);

const emailLogFields = {
  id: Id,
  execution: Id.nullable(),
  enrollment: Id.nullable(),
  sequence: Id.nullable(),
  sequence_name: z.string().nullable(),
  contact: Id.nullable().describe("null: the contact was deleted since"),
  message_id: z.string().describe("The same at every attempt at one email"),
  from_address: z.string(),
  to_address: z.string(),
  subject: z.string(),
  outcome: EmailOutcome.describe(
    "`accepted`: the mail server took it. `in_doubt`: it was handed over and no answer came, so that it may have arrived or not; what became of it later stands in the execution",
  ),
  response: z.string().nullable().describe("The mail server's final reply; null if none came"),
  email_template: Id.nullable(),
  email_template_version: z.int().nullable().describe("null: that version is gone"),
  sent_at: Instant,
};

export const EmailLog = z.strictObject(emailLogFields).meta({
  id: "EmailLog",
  description: "One message that was handed to the mail server.",
});
export type EmailLog = z.output<typeof EmailLog>;

export const EmailMessage = z
  .strictObject({
    id: Id.describe("Of the email log"),
    subject: z.string(),
    html: z.string(),
    text: z.string(),
    headers: z
      .record(z.string(), z.string())
      .describe("As far as they are known: the sender's name is not kept, and relays add their own"),
    composed_at: Instant.nullable().describe(
      "When it was made, which is what `now` is in its template; null: not kept, and `now` is the moment it was sent",
    ),
  })
  .meta({ id: "EmailMessage" });

const tag = "email-logs";
const params = z.strictObject({ id: Id });

export const listEmailLogs = defineOperation({
  id: "listEmailLogs",
  method: "GET",
  path: "/api/v1/email-logs/",
  summary: "List emails that were handed over",
  description: "Every copy is one entry: an email that was in doubt and sent again has two, with one Message-ID.",
  tag,
  auth: "key",
  query: listQuery({
    orderings: ["-sent_at"],
    filters: {
      contact: Id.optional(),
      execution: Id.optional(),
      sequence: Id.optional(),
      outcome: EmailOutcome.optional(),
      to_address: z.string().max(1_000).optional().describe("Exactly this address, in any letter case"),
      message_id: z.string().max(1_000).optional().describe("With its angle brackets"),
      ...instantRange("sent_at"),
      search: Search.optional().describe("In subject and recipient's address"),
    },
  }),
  success: 200,
  output: pageOf(EmailLog, "EmailLogPage"),
  errors: [],
});

export const getEmailLog = defineOperation({
  id: "getEmailLog",
  method: "GET",
  path: "/api/v1/email-logs/{id}/",
  summary: "Get an email that was handed over",
  tag,
  auth: "key",
  params,
  success: 200,
  output: EmailLog,
  errors: [],
});

export const getEmailMessage = defineOperation({
  id: "getEmailMessage",
  method: "GET",
  path: "/api/v1/email-logs/{id}/message/",
  summary: "Render an email again as it was sent",
  description:
    "From the template version and the values that it was made from, except for its unsubscribe link, which leads nowhere: whoever reads along must not opt anybody out.",
  tag,
  auth: "key",
  params,
  success: 200,
  output: EmailMessage,
  errors: ["message_unavailable"],
});
