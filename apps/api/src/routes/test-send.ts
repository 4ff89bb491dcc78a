import { testSendEmailTemplate } from "@dripline/contract/email-template-previews";
import { liftStatementTimeout } from "@dripline/db/bulk-statement";
import type { Queryable } from "@dripline/db/database";
import { newId } from "@dripline/db/new-id";
import { findUnwilling } from "@dripline/db/queries/find-unwilling";
import { unreachable } from "@dripline/domain/unreachable";
import type { RenderedEmail } from "@dripline/engine/render-email";
import { composeMessage } from "@dripline/mail/compose";
import { messageIdFor } from "@dripline/mail/message-id";
import type { Renderer, RenderFailure } from "@dripline/mail/render";
import type { Reply } from "@dripline/mail/transport";
import type { FastifyInstance } from "fastify";
import type { Deps } from "../deps.ts";
import type { TestMail } from "../open-test-mail.ts";
import { ProblemError } from "../problem-error.ts";
import { renderTemplate } from "../render-template.ts";
import { serve } from "../serve.ts";

/** No signature begins like this, so the page behind the link knows nobody by it. */
const testUnsubscribePath = "/u/this-is-a-test";

// Not behind the fence of a copied database: what goes to customers by itself is, this goes to whom a person names in the
// request, says "[Test]", and is how somebody sees whether a copy is set up right before adopting it.

/** Each keeps one of the API's few database connections while the mail server takes its time. */
const atOnceMax = 2;

export function serveTestSend(app: FastifyInstance, deps: Deps, renderer: Renderer): void {
  const unsubscribeUrl = `${deps.publicUrl}${testUnsubscribePath}`;
  let underWay = 0;

  serve(app, deps, testSendEmailTemplate, async ({ tx, params, body, now, addToAudit }) => {
    const mail = deps.testMail;
    if (mail === null) throw mailNotConfigured();
    await refuseUnwilling(tx, body.to);
    const { version, email } = await renderTemplate(tx, renderer, params.id, body, { now, unsubscribeUrl });
    if (email.kind === "unrenderable") throw notRenderable(email.failure);
    if (underWay >= atOnceMax) throw tooMany();

    const message = { ...email, subject: `[Test] ${email.subject}`, date: now, unsubscribeUrl };
    await liftStatementTimeout(tx); // or the database would end a transaction that waits for the mail server
    underWay += 1;
    try {
      const results = await Promise.all(body.to.map((to) => sendOne(mail, to, message, deps.secret)));
      const { version_number } = version;
      addToAudit({ version_number, results: results.map(({ to, outcome }) => ({ to, outcome })) });
      return { id: params.id, version_number, subject: message.subject, results };
    } finally {
      underWay -= 1;
    }
  });
}

async function sendOne(
  mail: TestMail,
  to: string,
  content: Extract<RenderedEmail, { kind: "rendered" }> & { readonly date: Date; readonly unsubscribeUrl: string },
  secret: string,
) {
  const { subject, html, text, date, unsubscribeUrl } = content;
  const domain = mail.from.address.slice(mail.from.address.lastIndexOf("@") + 1);
  const message = await composeMessage({
    messageId: messageIdFor(newId(), domain, secret),
    date,
    from: mail.from,
    to: { name: "", address: to },
    subject,
    html,
    text,
    unsubscribeUrl,
  });
  return { to, ...outcomeOf(await mail.transport().deliver(message, async () => true)) };
}

function outcomeOf(reply: Reply) {
  switch (reply.kind) {
    case "accepted":
    case "refused":
      return { outcome: reply.kind, response: reply.response };
    case "unreachable":
    case "in_doubt":
      return { outcome: reply.kind, response: reply.error };
    case "fenced":
    case "called_off":
      return { outcome: "unreachable" as const, response: "The API was stopping." };
    default:
      return unreachable(reply);
  }
}

async function refuseUnwilling(tx: Queryable, to: readonly string[]): Promise<void> {
  const unwilling = new Map((await findUnwilling(tx, to)).map(({ email, why }) => [email, why]));
  const errors = to.flatMap((email, index) => {
    const why = unwilling.get(email);
    if (why === undefined) return [];
    const detail =
      why === "suppressed" ? "is on the suppression list, so it gets nothing" : "is of a contact who opted out";
    return [{ pointer: `/to/${index}`, code: why, detail }];
  });
  if (errors.length === 0) return;
  throw new ProblemError("validation_failed", "Some of the addresses get no email; leave them out. Nothing was sent.", {
    errors,
  });
}

function mailNotConfigured(): ProblemError {
  return new ProblemError(
    "mail_not_configured",
    "The API knows no mail server or no sender: set SMTP_URL and MAIL_FROM in its environment, as the workers have them, and start it again. Nothing was sent.",
  );
}

function notRenderable({ code: reason, message, part, variable }: RenderFailure): ProblemError {
  const detail = `The ${part} cannot be rendered for this contact: ${message}. It would be held and not sent; nothing was sent.`;
  return new ProblemError("template_not_renderable", detail, {
    extensions: { reason, part, variable: variable ?? null },
  });
}

function tooMany(): ProblemError {
  return new ProblemError("rate_limited", `At most ${atOnceMax} test sends run at once; try again shortly.`, {
    retryAfterSeconds: 5,
  });
}
