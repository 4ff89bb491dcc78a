import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { MetricRegistry } from "./instruments.ts";
import type { Readiness } from "./readiness.ts";

export interface ManagementOptions {
  readonly host: string;
  readonly port: number;
  readonly metrics: MetricRegistry;
  readonly readiness: () => Readiness;
}

/** Expected: the port is taken, or not ours to listen on. The message says what to do. */
export class ManagementPortError extends Error {}

export interface ManagementServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Listens for whoever watches this process: `GET /metrics` for Prometheus, `GET /health` for whoever starts and stops it.
 * It asks nobody for a key, so it belongs on an address that only they can reach.
 *
 * @throws ManagementPortError when it cannot listen there
 */
export async function startManagementServer(options: ManagementOptions): Promise<ManagementServer> {
  const server = createServer((request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      // Never the error's own words: they may hold what a statement was about.
      if (!response.headersSent) send(response, 500, "text/plain", "The metrics could not be collected.\n");
      else response.destroy(error instanceof Error ? error : undefined);
    });
  });
  await listen(server, options);
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : options.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections(); // a scraper keeps its connection for the next time
      }),
  };
}

async function answer(
  { metrics: { registry }, readiness }: ManagementOptions,
  { method, url }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (method !== "GET" && method !== "HEAD") return send(response, 405, "text/plain", "Only GET.\n", { allow: "GET" });
  switch (url?.replace(/[?#].*$/s, "")) {
    case "/metrics":
      return send(response, 200, registry.contentType, await registry.metrics());
    case "/health": {
      const state = readiness();
      const status = state.status === "ready" ? 200 : 503;
      return send(response, status, "application/json", `${JSON.stringify(state)}\n`);
    }
    default:
      return send(response, 404, "text/plain", "There is /metrics and /health.\n");
  }
}

function send(
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { "content-type": type, "cache-control": "no-store", ...headers }).end(body);
}

function listen(server: Server, { host, port }: Pick<ManagementOptions, "host" | "port">): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === "EADDRINUSE"
          ? "another program listens there; stop it or set METRICS_PORT to a free port"
          : `${cause.message}; set METRICS_HOST and METRICS_PORT to an address of this machine`;
      reject(new ManagementPortError(`It cannot listen for metrics on ${host}:${port}: ${why}.`, { cause }));
    });
    server.listen(port, host, () => resolve());
  });
}
