import { type ApiKeyHolder, findApiKey } from "@dripline/db/api-keys";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Deps } from "./deps.ts";
import { ProblemError } from "./problem-error.ts";

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
}

const keyPattern = /^dk_[A-Za-z0-9]{1,32}_[A-Za-z0-9]{16,128}$/;

/**
 * A hook that lets a request in if it carries a valid API key (`Authorization: Bearer dk_…`). Every other request gets
 * the same 401, so that nobody learns which keys exist or existed.
 */
export function authenticate({ database, now }: Pick<Deps, "database" | "now">) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const [, key] = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? "") ?? [];
    const holder = key !== undefined && keyPattern.test(key) ? await findApiKey(database, key, now()) : undefined;
    if (holder === undefined) {
      reply.header("www-authenticate", 'Bearer realm="dripline"');
      throw new ProblemError(
        "unauthorized",
        "Send a valid API key: Authorization: Bearer dk_…. Make one with: dripline create-api-key.",
      );
    }
    request.principal = { id: `api_key:${holder.id}`, apiKey: holder };
  };
}
