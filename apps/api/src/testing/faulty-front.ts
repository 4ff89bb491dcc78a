import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll } from "vitest";

/**
 * What happens to one request. `lose`: the API gets it and its answer is lost. `cut`: the answer breaks off in the middle.
 * `swallow`: nobody gets it and nobody answers. Otherwise: the answer of something between.
 */
export type Fault = "lose" | "cut" | "swallow" | { readonly status: number; readonly retryAfter?: string };

export interface FaultyFront {
  readonly url: string;
  /** What happens to the next requests; those after them get through. */
  faults: Fault[];
  /** Headers of all requests since the start. */
  readonly requests: IncomingMessage["headers"][];
}

/** A real HTTP server before a real API, that fails as told. Closed after the file. */
export async function startFaultyFront(apiUrl: string): Promise<FaultyFront> {
  const front: { faults: Fault[]; requests: IncomingMessage["headers"][] } = { faults: [], requests: [] };
  const server = createServer((request, response) => {
    front.requests.push(request.headers);
    void answer(apiUrl, request, response, front.faults.shift());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  return Object.assign(front, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

async function answer(apiUrl: string, request: IncomingMessage, response: ServerResponse, fault: Fault | undefined) {
  if (fault === "swallow") return;
  if (typeof fault === "object") {
    const { status, retryAfter } = fault;
    response.writeHead(status, { ...(retryAfter === undefined ? {} : { "retry-after": retryAfter }) });
    return response.end("<html>not the API</html>");
  }
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const { host: _, connection: __, "transfer-encoding": _____, ...headers } = request.headers;
  const answered = await fetch(`${apiUrl}${request.url}`, {
    method: request.method ?? "GET",
    headers: headers as Record<string, string>,
    ...(body.length === 0 ? {} : { body }),
  });
  const bytes = Buffer.from(await answered.arrayBuffer());
  if (fault === "lose") return response.destroy();
  const { connection: ___, "transfer-encoding": ____, ...passed } = Object.fromEntries(answered.headers);
  response.writeHead(answered.status, { ...passed, "content-length": bytes.length });
  if (fault === undefined) return response.end(bytes);
  response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
}
