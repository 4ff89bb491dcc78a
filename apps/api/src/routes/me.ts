import { getMe } from "@dripline/contract/me";
import type { FastifyInstance } from "fastify";
import type { Deps } from "../deps.ts";
import { serve } from "../serve.ts";

export function serveMe(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, getMe, async ({ principal }) => {
    const { id, name, prefix, user } = principal.apiKey;
    return { api_key: { id, name, prefix }, user };
  });
}
