import type { FastifyInstance } from "fastify";
import type { ApiMetrics } from "./api-metrics.ts";

/** Tells `metrics` of every answer, probes included. */
export function measureAnswers(app: FastifyInstance, metrics: ApiMetrics): void {
  app.addHook("onResponse", async ({ method, routeOptions }, { statusCode: status, elapsedTime }) => {
    metrics.answered({ method, route: routeOptions.url, status, seconds: elapsedTime / 1_000 });
  });
}
