import { createBullBoard } from "@bull-board/api";
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import { FastifyAdapter } from "@bull-board/fastify";
import { allows } from "@dripline/contract/operation";
import { findApiKey } from "@dripline/db/api-keys";
import { opsLoginPath } from "@dripline/runtime/ops-link";
import cookie from "@fastify/cookie";
import type { FastifyInstance } from "fastify";
import type { Deps } from "../deps.ts";
import { sendPage } from "../html-page.ts";
import { requireOperator, sendSignIn, signIn, signInWithToken } from "./operator-session.ts";

const boardPath = "/ops/queues";
const formBytesMax = 4_096;

/**
 * The operators' pages: Bull Board at /ops/queues. It has no login of its own, so none of its routes answers without a
 * session. What people do there is harmless: a job only wakes, and the row decides.
 */
export async function serveOps(app: FastifyInstance, deps: Deps): Promise<void> {
  await app.register(async (ops) => {
    await ops.register(cookie);
    serveLogin(ops, deps);

    await ops.register(async (board) => {
      board.addHook("onRequest", requireOperator(deps));
      const adapter = new FastifyAdapter();
      adapter.setBasePath(boardPath);
      createBullBoard({
        queues: [new BullMQAdapter(deps.queue.bullQueue())],
        serverAdapter: adapter,
        options: { uiConfig: { boardTitle: "Dripline" } },
      });
      await board.register(adapter.registerPlugin(), { prefix: boardPath });
      board.get("/ops", (_request, reply) => reply.redirect(boardPath));
    });
  });
}

function serveLogin(ops: FastifyInstance, deps: Deps): void {
  const form = "application/x-www-form-urlencoded";
  ops.addContentTypeParser(form, { parseAs: "string", bodyLimit: formBytesMax }, (_request, body, done) => {
    done(null, Object.fromEntries(new URLSearchParams(String(body))));
  });

  ops.get<{ Querystring: { token?: unknown } }>(opsLoginPath, async ({ query }, reply) => {
    if (query.token === undefined) return sendSignIn(reply);
    if (typeof query.token !== "string" || !signInWithToken(reply, query.token, deps)) {
      return sendSignIn(reply, "This link is over, or was cut off.");
    }
    // Not a redirect: browsers count it as part of the visit that came from elsewhere, a webmail for example, and would
    // keep the SameSite=Strict cookie to themselves. A page of ours that goes on is a new visit.
    const body = `<p><a href="${boardPath}">Go on to the queue</a></p>`;
    return sendPage(reply, 200, { title: "Signed in", body, goOnTo: boardPath });
  });

  ops.post<{ Body: { api_key?: unknown } | undefined }>(opsLoginPath, async (request, reply) => {
    const key = request.body?.api_key;
    const holder = typeof key === "string" ? await findApiKey(deps.database, key.trim(), deps.now()) : undefined;
    if (holder === undefined) {
      await ops.limitRequests.ofStranger(request, reply);
      return sendSignIn(reply, "That is not a valid API key.");
    }
    // A key that stands in a form on a website, say, must not open the queue.
    if (!allows(holder.scopes, "admin")) {
      return sendSignIn(reply, "That API key is not allowed to: it takes one with the scope admin.");
    }
    signIn(reply, deps);
    return reply.redirect(boardPath, 303);
  });
}
