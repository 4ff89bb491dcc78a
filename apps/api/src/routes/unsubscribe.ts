import { inTransaction } from "@dripline/db/database";
import { optOut } from "@dripline/engine/opt-out";
import { readUnsubscribeToken } from "@dripline/mail/unsubscribe-token";
import type { FastifyInstance, FastifyReply } from "fastify";
import type { Deps } from "../deps.ts";
import { sendPage } from "../html-page.ts";

const bodyBytesMax = 65_536;

/**
 * The link in every message. A GET never acts: link scanners and previews follow links. A POST opts the contact out at
 * once, without login or further question; mail programs send it for "one-click unsubscribe" (RFC 8058), and the page's
 * button does the same. Doing it again changes nothing.
 */
export async function serveUnsubscribe(app: FastifyInstance, deps: Deps): Promise<void> {
  await app.register(async (pages) => {
    // The token says everything. RFC 8058 allows form and multipart bodies; both are read past.
    pages.removeAllContentTypeParsers();
    pages.addContentTypeParser("*", { parseAs: "buffer", bodyLimit: bodyBytesMax }, (_request, _body, done) => {
      done(null, undefined);
    });

    pages.get<{ Params: { token: string } }>("/u/:token", async ({ params }, reply) => {
      if (readUnsubscribeToken(params.token, deps.secret) === null) return sendNoSuchLink(reply);
      return sendPage(reply, 200, {
        title: "Unsubscribe",
        body: '<p>Do you want no more email from us?</p><form method="post"><button>Unsubscribe</button></form>',
      });
    });

    pages.post<{ Params: { token: string } }>("/u/:token", async ({ params, log }, reply) => {
      const executionId = readUnsubscribeToken(params.token, deps.secret);
      if (executionId === null) return sendNoSuchLink(reply);
      const request = { executionId, source: "unsubscribe link", now: deps.now() };
      const done = await inTransaction(deps.database, (tx) => optOut(tx, request));
      // The link is one of ours but its records are gone: then nothing will be sent either.
      if (done === undefined) log.warn({ executionId }, "an unsubscribe link of an execution that is gone");
      return sendPage(reply, 200, { title: "Unsubscribed", body: "<p>You will get no more email from us.</p>" });
    });
  });
}

function sendNoSuchLink(reply: FastifyReply): FastifyReply {
  return sendPage(reply, 404, {
    title: "This link does not work",
    body: "<p>It may have been cut off. Open it again from the email, or answer the email and ask to be taken off.</p>",
  });
}
