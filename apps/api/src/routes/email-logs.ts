import { getEmailLog, getEmailMessage, listEmailLogs } from "@dripline/contract/email-logs";
import * as emailLogs from "@dripline/db/queries/read-email-logs";
import { renderAgain } from "@dripline/engine/render-again";
import { createRenderer } from "@dripline/mail/render";
import type { FastifyInstance } from "fastify";
import { pageBody, pageRequest } from "../cursor.ts";
import type { Deps } from "../deps.ts";
import { notFound, ProblemError } from "../problem-error.ts";
import { serve } from "../serve.ts";

export function serveEmailLogs(app: FastifyInstance, deps: Deps): void {
  const renderer = createRenderer();

  serve(app, deps, listEmailLogs, async ({ db, query, url }) => {
    const page = await emailLogs.listEmailLogs(db, query, pageRequest(query));
    return pageBody(page, query, url, (log) => log);
  });

  serve(app, deps, getEmailLog, async ({ db, params }) => {
    const log = await emailLogs.findEmailLog(db, params.id);
    if (log === undefined) throw notFound("email log", params.id);
    return log;
  });

  serve(app, deps, getEmailMessage, async ({ db, params }) => {
    const source = await emailLogs.findEmailSource(db, params.id);
    if (source === undefined) throw notFound("email log", params.id);
    const message = renderAgain(renderer, source);
    if (message.kind === "unavailable") {
      throw new ProblemError("message_unavailable", message.message, { extensions: { reason: message.reason } });
    }
    const { subject, html, text, headers } = message;
    return { id: params.id, subject, html, text, headers, composed_at: source.composedAt };
  });
}
