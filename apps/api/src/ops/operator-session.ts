import { opsLink, readOpsToken } from "@dripline/runtime/ops-link";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Deps } from "../deps.ts";
import { sendPage } from "../html-page.ts";

type SessionDeps = Pick<Deps, "secret" | "publicUrl" | "now">;

const cookieName = "dripline_ops";
const sessionSeconds = 12 * 3_600;

/** Signs this browser in if the token of a link is valid, until the link ends. False if it is not. */
export function signInWithToken(reply: FastifyReply, token: string, { secret, publicUrl, now }: SessionDeps): boolean {
  const expires = readOpsToken(token, secret, now());
  if (expires === undefined) return false;
  reply.setCookie(cookieName, token, {
    path: "/ops",
    httpOnly: true,
    sameSite: "strict",
    secure: publicUrl.startsWith("https:"),
    expires,
  });
  return true;
}

/** Signs this browser in as one whose API key was checked. */
export function signIn(reply: FastifyReply, deps: SessionDeps): void {
  const link = opsLink(deps.publicUrl, deps.secret, { now: deps.now(), validSeconds: sessionSeconds });
  signInWithToken(reply, new URL(link).searchParams.get("token") ?? "", deps);
}

/** A hook that lets signed-in browsers in; everybody else gets a page that says how to sign in. */
export function requireOperator(deps: SessionDeps) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const token = request.cookies[cookieName];
    if (token === undefined || readOpsToken(token, deps.secret, deps.now()) === undefined) return sendSignIn(reply);
    if (!isFromOurPages(request)) {
      return sendPage(reply, 403, { title: "Refused", body: "<p>This request came from another website.</p>" });
    }
    return undefined;
  };
}

/**
 * SameSite counts every port of a host as one site, and the inbox shows strangers' HTML on another port of this one: what
 * changes something must come from this very origin.
 */
function isFromOurPages(request: FastifyRequest): boolean {
  if (request.method === "GET" || request.method === "HEAD") return true;
  const site = request.headers["sec-fetch-site"];
  if (site !== undefined) return site === "same-origin";
  const { origin } = request.headers;
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === request.host);
}

/** 401, and how to get in. */
export function sendSignIn(reply: FastifyReply, trouble = ""): FastifyReply {
  return sendPage(reply, 401, {
    title: "Sign in",
    body: `${trouble === "" ? "" : `<p><strong>${trouble}</strong></p>`}
<p>These pages are for operators. Make a link with <code>dripline ops-link</code> (<code>npm start</code> prints one), or
paste an API key with the scope <code>admin</code>:</p>
<form method="post" action="/ops/login">
<input name="api_key" type="password" autocomplete="off" aria-label="API key" required> <button>Sign in</button>
</form>`,
  });
}
