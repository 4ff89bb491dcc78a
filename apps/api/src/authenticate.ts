import { allows, type NeededScope } from "@dripline/contract/operation";
import { type ApiKeyHolder, findApiKey, noteApiKeyUse } from "@dripline/db/api-keys";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Deps } from "./deps.ts";
import { ProblemError } from "./problem-error.ts";
import type { LimitRequests } from "./request-limits.ts";

/** Who a request is from. */
export interface Principal {
  /** For records: `api_key:<id>`. */
  readonly id: string;
  readonly apiKey: ApiKeyHolder;
}

declare module "fastify" {
  interface FastifyRequest {
    principal: Principal | null;
  }
  interface FastifyInstance {
    limitRequests: LimitRequests;
  }
}

/**
 * A hook that lets a request in if it carries a valid API key (`Authorization: Bearer dk_…`) that is allowed to do this.
 * Every request without a valid key gets the same 401, so that nobody learns which keys exist or existed; one whose key is
 * not allowed to gets the same 403 whatever the path names, so that nobody learns what there is.
 */
export function authenticate({ database, now }: Pick<Deps, "database" | "now">, scope: NeededScope) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const [, key] = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? "") ?? [];
    const holder = key === undefined ? undefined : await findApiKey(database, key, now());
    if (holder === undefined) {
      await request.server.limitRequests.ofStranger(request, reply);
      reply.header("www-authenticate", 'Bearer realm="dripline"');
      throw new ProblemError(
        "unauthorized",
        "Send a valid API key: Authorization: Bearer dk_…. Make one with: dripline create-api-key.",
      );
    }
    request.principal = { id: `api_key:${holder.id}`, apiKey: holder };
    await request.server.limitRequests.ofKey(request, reply);
    void noteApiKeyUse(database, holder, now()).catch((err: unknown) =>
      request.log.warn({ err }, "the use of an API key could not be noted"),
    );
    if (!allows(holder.scopes, scope)) throw insufficientScope(holder, scope, reply);
  };
}

function insufficientScope({ scopes }: ApiKeyHolder, scope: NeededScope, reply: FastifyReply): ProblemError {
  reply.header("www-authenticate", `Bearer realm="dripline", error="insufficient_scope", scope="${scope}"`); // RFC 6750
  return new ProblemError(
    "insufficient_scope",
    `This takes an API key with the scope "${scope}"; this one has: ${scopes.join(", ")}.`,
    { extensions: { required_scope: scope } },
  );
}
