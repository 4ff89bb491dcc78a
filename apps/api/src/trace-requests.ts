import type { ServerSpan, Spans } from "@dripline/telemetry/spans";
import type { FastifyInstance } from "fastify";

declare module "fastify" {
  interface FastifyRequest {
    /** What the handler runs within; null while nobody follows requests. */
    trace: ServerSpan | null;
  }
}

/**
 * Follows every request, under the name of its route. The handler has to run `within` by itself: Fastify reads bodies outside
 * of what a hook began.
 */
export function traceRequests(app: FastifyInstance, spans: Spans): void {
  app.decorateRequest("trace", null);
  if (!spans.areRecorded) return;
  app.addHook("onRequest", async (request) => {
    const { method, routeOptions, headers, id } = request;
    if (routeOptions.url?.startsWith("/health/")) return; // probes come every few seconds
    const route = routeOptions.url ?? "unmatched";
    const attributes = { "http.request.method": method, "http.route": route, "dripline.request_id": id };
    request.trace = spans.serve(`${method} ${route}`, attributes, headers);
  });
  app.addHook("onResponse", async ({ trace }, { statusCode }) => {
    trace?.end({ "http.response.status_code": statusCode }, statusCode >= 500);
  });
}
