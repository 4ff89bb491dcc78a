import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";
import type { InboxMessage, MessageContent } from "./inbox-message.ts";
import type { InboxStore } from "./inbox-store.ts";

const pageFile = fileURLToPath(new URL("../inbox-page.html", import.meta.url));

// The message itself: nothing runs, nothing is fetched. Its links open, in a page of their own that is free of this one.
const MESSAGE_POLICY = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  "img-src data:",
  "frame-ancestors 'self'",
  "sandbox allow-popups allow-popups-to-escape-sandbox",
].join("; ");

/** Serves the page and the JSON of an inbox. To this machine only: other host names are refused (see `isLoopback`). */
export async function startInboxHttp(
  store: InboxStore,
  host: string,
  port: number,
): Promise<{ port: number; close(): Promise<void> }> {
  const page = await readFile(pageFile, "utf8");
  const streams = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    answer({ store, page, streams }, request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else problem(response, 500, "internal_error", String(error));
    });
  });
  server.listen(port, host);
  await once(server, "listening");
  const endOfNews = store.onChange(() => {
    for (const stream of streams) stream.write("event: changed\ndata:\n\n");
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("an HTTP server without a port");
  return {
    port: address.port,
    async close() {
      endOfNews();
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

type Inbox = { store: InboxStore; page: string; streams: Set<ServerResponse> };

async function answer(inbox: Inbox, request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.setHeader("X-Content-Type-Options", "nosniff");
  response.setHeader("Referrer-Policy", "no-referrer");
  response.setHeader("Cache-Control", "no-store");
  if (!isLoopback(request.headers.host)) {
    return problem(response, 421, "wrong_host", "This inbox answers to localhost and 127.0.0.1 only.");
  }
  const url = new URL(request.url ?? "/", "http://localhost");
  const method = request.method === "HEAD" ? "GET" : request.method;
  const [, id, part] = /^\/api\/messages\/([^/]+)(?:\/(raw|html))?$/.exec(url.pathname) ?? [];

  if (id !== undefined && method === "GET") return answerMessage(inbox.store, decode(id), part, response);
  switch (`${method} ${url.pathname}`) {
    case "GET /":
      return sendPage(response, inbox.page);
    case "GET /api/messages":
      return answerList(inbox.store, url.searchParams, response);
    case "DELETE /api/messages":
      await inbox.store.clear();
      response.writeHead(204).end();
      return;
    case "GET /api/events":
      return sendEvents(inbox.streams, response);
    default:
      return problem(response, 404, "not_found", `There is no ${method} ${url.pathname} here.`);
  }
}

/**
 * A web page elsewhere can give its own host name the address 127.0.0.1 and then read whatever listens here as its own
 * origin ("DNS rebinding"). Its requests still carry that name. No CORS header is ever sent, for the same reason.
 */
function isLoopback(hostHeader: string | undefined): boolean {
  const name = (hostHeader ?? "").replace(/:\d+$/, "").toLowerCase();
  return name === "localhost" || name.endsWith(".localhost") || name === "[::1]" || /^127(\.\d{1,3}){3}$/.test(name);
}

function answerList(store: InboxStore, query: URLSearchParams, response: ServerResponse): void {
  const unknown = [...query.keys()].find((name) => name !== "to" && name !== "subject");
  if (unknown !== undefined) {
    problem(response, 400, "unknown_parameter", `Unknown parameter "${unknown}"; there are "to" and "subject".`);
    return;
  }
  const to = query.get("to")?.toLowerCase() ?? "";
  const subject = query.get("subject")?.toLowerCase() ?? "";
  const messages = store
    .list()
    .filter((message) => recipients(message).some((address) => address.toLowerCase().includes(to)))
    .filter((message) => message.subject.toLowerCase().includes(subject));
  sendJson(response, 200, { messages: messages.map(messageJson) });
}

function recipients(message: InboxMessage): string[] {
  const all = [...message.envelopeTo, ...message.to.map((mailbox) => mailbox.address)];
  // A message without any must still be found when nobody asks for a recipient.
  return all.length === 0 ? [""] : all;
}

async function answerMessage(
  store: InboxStore,
  id: string,
  part: string | undefined,
  response: ServerResponse,
): Promise<void> {
  const message = store.find(id);
  const content = await store.content(id);
  if (message === undefined || content === undefined) {
    return problem(response, 404, "not_found", "There is no message with this id.");
  }
  if (part === "raw") {
    response.writeHead(200, { "Content-Type": "message/rfc822", "Content-Security-Policy": MESSAGE_POLICY });
    response.end(content.raw);
  } else if (part === "html") {
    response.writeHead(200, { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": MESSAGE_POLICY });
    response.end(withLinksInNewPages(content.html ?? ""));
  } else {
    sendJson(response, 200, { ...messageJson(message), ...contentJson(content) });
  }
}

/** The frame that shows a message must not become the page that a link in it leads to. */
function withLinksInNewPages(html: string): string {
  const base = '<base target="_blank">';
  const withBase = html.replace(/<head(\s[^>]*)?>/i, (head) => head + base);
  return withBase === html ? html + base : withBase;
}

function messageJson(message: InboxMessage) {
  const self = `/api/messages/${encodeURIComponent(message.id)}`;
  return {
    id: message.id,
    received_at: message.receivedAt.toISOString(),
    envelope_from: message.envelopeFrom,
    envelope_to: message.envelopeTo,
    from: message.from,
    to: message.to,
    subject: message.subject,
    message_id: message.messageId,
    size_bytes: message.sizeBytes,
    unreadable: message.unreadable,
    _links: { self, raw: `${self}/raw`, html: `${self}/html` },
  };
}

function contentJson({ headers, text, html }: MessageContent) {
  return { headers, text, html };
}

function sendPage(response: ServerResponse, page: string): void {
  // The one script of the page is named by its hash, so that nothing a message smuggles in could ever run.
  const script = /<script>([\s\S]*?)<\/script>/.exec(page)?.[1] ?? "";
  const hash = createHash("sha256").update(script).digest("base64");
  response.writeHead(200, {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": [
      "default-src 'none'",
      `script-src 'sha256-${hash}'`,
      "style-src 'unsafe-inline'",
      "connect-src 'self'",
      "frame-src 'self'",
      "img-src data:",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join("; "),
  });
  response.end(page);
}

function sendEvents(streams: Set<ServerResponse>, response: ServerResponse): void {
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  response.write("retry: 1000\n\n");
  streams.add(response);
  response.once("close", () => streams.delete(response));
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "Content-Type": "application/json; charset=utf-8" });
  response.end(`${JSON.stringify(body, null, 2)}\n`);
}

/** RFC 9457, as the API of Dripline answers. */
function problem(response: ServerResponse, status: number, code: string, title: string): void {
  response.writeHead(status, { "Content-Type": "application/problem+json" });
  response.end(`${JSON.stringify({ status, code, title })}\n`);
}

function decode(component: string): string {
  try {
    return decodeURIComponent(component);
  } catch {
    return component;
  }
}
