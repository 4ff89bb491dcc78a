import { getMe } from "@dripline/contract/me";
import type { FastifyInstance } from "fastify";
import type { Deps } from "../deps.ts";
import { serve } from "../serve.ts";

export function serveMe(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, getMe, async ({ principal }) => {
    const { id, name, prefix, scopes, expiresAt, requestsPerMinuteMax, user } = principal.apiKey;
    return {
      api_key: {
        id,
        name,
        prefix,
        scopes: [...scopes],
        expires_at: expiresAt,
        requests_per_minute: requestsPerMinuteMax ?? deps.requestLimits.perKeyMax,
      },
      user,
    };
  });
}
