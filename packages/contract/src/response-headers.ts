import { z } from "zod";
import type { OperationDefinition } from "./operation.ts";

type Json = Record<string, unknown>;

/** What the headers of answers are, by name: the `components.headers` of the OpenAPI document. */
export const responseHeaders = {
  "X-Request-Id": {
    description:
      "The request's name in the server's log and in the audit log: its own if it came with one, or a new one",
    schema: { type: "string" },
  },
  ETag: {
    description: "The `revision` in quotes, to be sent back as `If-Match` (RFC 9110, section 8.8.3)",
    schema: { type: "string" },
  },
  Location: {
    description: "Where what was made can be read (RFC 9110, section 10.2.2)",
    schema: { type: "string", format: "uri" },
  },
  "Idempotency-Replayed": {
    description: "`true` on the stored answer of an earlier request with the same `Idempotency-Key`",
    schema: { type: "string", enum: ["true"] },
  },
  "RateLimit-Limit": { description: "Requests that the key may send in a minute", schema: { type: "integer" } },
  "RateLimit-Remaining": { description: "How many of them are left", schema: { type: "integer" } },
  "RateLimit-Reset": { description: "Seconds until the minute is over", schema: { type: "integer" } },
  "Retry-After": { description: "Seconds until it is worth trying again", schema: { type: "integer" } },
  "WWW-Authenticate": { description: "How to authenticate: `Bearer`", schema: { type: "string" } },
} as const;

type HeaderName = keyof typeof responseHeaders;

const rateLimit = ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"] as const;

/** The headers of an operation's success. */
export function successHeaders(operation: OperationDefinition): Json {
  const { method, writes, auth, output, success } = operation;
  const hasRevision = output instanceof z.ZodObject && "revision" in output.shape;
  return referTo([
    "X-Request-Id",
    ...(hasRevision ? (["ETag"] as const) : []),
    ...(success === 201 ? (["Location"] as const) : []),
    ...(method === "POST" && writes !== false ? (["Idempotency-Replayed"] as const) : []),
    ...(auth === "key" ? rateLimit : []),
  ]);
}

/** The headers of a problem with this status. */
export function problemHeaders({ auth }: OperationDefinition, status: number): Json {
  return referTo([
    "X-Request-Id",
    ...(status === 401 || status === 403 ? (["WWW-Authenticate"] as const) : []),
    ...(status === 429 || status === 503 ? (["Retry-After"] as const) : []),
    ...(auth === "key" && status !== 401 && status !== 503 ? rateLimit : []),
  ]);
}

function referTo(names: readonly HeaderName[]): Json {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}
