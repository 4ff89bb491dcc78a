import { createServer, type RequestListener, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { text } from "node:stream/consumers";
import { problemCodes } from "@dripline/contract/problem";
import { createLogger } from "@dripline/runtime/logger";
import { afterEach, expect, test } from "vitest";
import { answerUnreadable } from "./answer-unreadable.ts";

const servers: Server[] = [];
const lines: string[] = [];
const log = createLogger({
  role: "api",
  level: "info",
  isTerminal: false,
  destination: { write: (line) => void lines.push(line) },
});

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  lines.length = 0;
});

async function answerTo(sent: string, options: { headersTimeout?: number } = {}) {
  const answer: RequestListener = (_request, response) => response.end("fine");
  const server = createServer({ ...options, connectionsCheckingInterval: 10 }, answer);
  server.on("clientError", (error, socket) => answerUnreadable(error, socket as never, log));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.write(sent);
  const [head = "", body = ""] = (await text(socket)).split("\r\n\r\n");
  return { head, body: JSON.parse(body) };
}

const cases = [
  { what: "garbage", sent: "\u0016\u0003\u0001 not HTTP\r\n\r\n", code: "malformed_request" },
  {
    what: "two lengths of one body",
    sent: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    code: "malformed_request",
  },
  {
    what: "too long a header",
    sent: `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20_000)}\r\n\r\n`,
    code: "headers_too_large",
  },
  {
    what: "headers without an end",
    sent: "GET / HTTP/1.1\r\nHost: a\r\n",
    code: "request_timeout",
    options: { headersTimeout: 20 },
  },
] as const;

test.each(cases)("$what is answered with the problem $code, and the connection is closed", async (each) => {
  const { head, body } = await answerTo(each.sent, "options" in each ? each.options : {});

  const { status, title } = problemCodes[each.code];
  expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(head).toContain("Content-Type: application/problem+json");
  expect(head).toContain("Connection: close");
  expect(head).toContain(`X-Request-Id: ${body.request_id}`);
  expect(body).toMatchObject({ code: each.code, status, title });
  expect(lines.map((line) => JSON.parse(line).requestId)).toEqual([body.request_id]);
});
