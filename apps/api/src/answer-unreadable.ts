import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { ProblemCode } from "@dripline/contract/problem";
import { newId } from "@dripline/db/new-id";
import type { Logger } from "@dripline/runtime/logger";
import { ProblemError } from "./problem-error.ts";

/**
 * What Node's parser gives up on never becomes a request, so no hook and no error handler sees it: it is answered on the
 * connection itself, with a problem like every other refusal (RFC 9457), and the connection is closed, since nobody knows
 * where in it the next request would begin (RFC 9112 section 6.3).
 */
export function answerUnreadable(error: Error & { readonly code?: string }, socket: Socket, log: Logger): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy(error);
    return;
  }
  const problem = new ProblemError(...told(error.code));
  const requestId = newId();
  log.info({ requestId, status: problem.status, reason: error.code }, "a connection brought no readable request");
  const body = JSON.stringify(problem.toProblem(requestId));
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    "Connection: close",
    "Content-Type: application/problem+json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${requestId}`,
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy(error));
}

function told(code: string | undefined): [ProblemCode, string] {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return ["request_timeout", "The request did not arrive in time."];
  if (code === "HPE_HEADER_OVERFLOW") return ["headers_too_large", "Path and headers are longer than 16 KiB."];
  return ["malformed_request", "This is not a request of HTTP/1.1."];
}
