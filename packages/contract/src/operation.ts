import type { z } from "zod";
import type { ProblemCode } from "./problem.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/**
 * What an API key may do. `admin` may do everything; `write` includes `read` and `enroll`; `enroll` is for a form or a shop
 * that puts people into sequences and takes them out, and sees nothing else.
 */
export const scopes = ["read", "enroll", "write", "admin"] as const;
export type Scope = (typeof scopes)[number];

/** What an operation asks of a key; `any`: no more than that it is valid. */
export type NeededScope = Scope | "any";

/** What is on its way out, and how long it stays. Dates are days in UTC, such as `2027-06-30`. */
export interface Deprecation {
  readonly since: string;
  /** From this day on it may be gone. */
  readonly sunset?: string;
  /** The path of what takes its place. */
  readonly successor?: `/${string}`;
}

/** What one operation of the API is, for the server, the OpenAPI document and the client alike. */
export interface OperationDefinition {
  /** Unique, for code: `createContact`. */
  readonly id: string;
  readonly method: Method;
  /** From the root, parameters in braces, with a slash at the end; the server takes it without as well. */
  readonly path: `/${string}`;
  readonly summary: string;
  readonly description?: string;
  readonly tag: string;
  readonly auth: "key" | "public";
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** Where a body can be much smaller than the largest of all, so that nobody makes the server read more. */
  readonly bodyBytesMax?: number;
  /** The body is a file, and stored as it comes. */
  readonly file?: { readonly contentTypes: readonly [string, ...string[]]; readonly bytesMax: number };
  /** The answer is a text of this type, written out as it is read, and not JSON. */
  readonly download?: string;
  /** 204: the answer is empty; of `output` only its `revision` is sent, as the ETag. */
  readonly success: 200 | 201 | 202 | 204;
  readonly output: z.ZodType;
  /** Members of the answer that no other answer has and nothing stores: null when it is replayed. */
  readonly shownOnce?: readonly string[];
  /** `false`: a POST that only reads, because what it asks does not fit into an address. It takes no Idempotency-Key. */
  readonly writes?: false;
  /** What the key must be allowed to; left out: `read` for what only reads, `write` for the rest. */
  readonly scope?: NeededScope;
  /** Whether it edits something with a revision, and can be made to depend on that revision by `If-Match`. */
  readonly takesIfMatch?: true;
  /** Still served, with headers that say until when and what takes its place (RFC 9745, RFC 8594). */
  readonly deprecated?: Deprecation;
  /** The problems that are this operation's own; `problemsOf` adds those that follow from its shape. */
  readonly errors: readonly ProblemCode[];
}

/** Declares an operation and keeps its exact type, from which the server's handler and the client get theirs. */
export function defineOperation<const O extends OperationDefinition>(operation: O): O {
  return operation;
}

/** What a key must be allowed to for this operation; undefined for a public one. */
export function scopeOf({ auth, scope, method, writes }: OperationDefinition): NeededScope | undefined {
  if (auth === "public") return undefined;
  return scope ?? (method === "GET" || writes === false ? "read" : "write");
}

const included: Readonly<Record<Scope, readonly Scope[]>> = {
  read: ["read"],
  enroll: ["enroll"],
  write: ["read", "enroll", "write"],
  admin: scopes,
};

/** Whether a key with these scopes may do what takes `needed`. */
export function allows(held: readonly Scope[], needed: NeededScope): boolean {
  return needed === "any" || held.some((scope) => included[scope].includes(needed));
}

/** All problems that an operation can answer with: those of its shape and its own. */
export function problemsOf(operation: OperationDefinition): ProblemCode[] {
  const isWritingPost = operation.method === "POST" && operation.writes !== false;
  // Also where nothing is to be sent: a field that does nothing is refused there as anywhere else.
  const mayCarryBody = operation.method !== "GET" && operation.file === undefined;
  const codes: ProblemCode[] = ["invalid_query"];
  if (mayCarryBody) codes.push("malformed_json");
  if (operation.method !== "GET" && operation.writes !== false) codes.push("invalid_header");
  if (operation.auth === "key") codes.push("unauthorized");
  if (operation.auth === "key" && operation.scope !== "any") codes.push("insufficient_scope");
  if (operation.params !== undefined) codes.push("not_found");
  if (isWritingPost) codes.push("idempotency_in_progress");
  if (operation.method !== "GET") codes.push("payload_too_large", "unsupported_media_type");
  if (mayCarryBody) codes.push("validation_failed");
  if (isWritingPost) codes.push("idempotency_key_reused");
  if (operation.takesIfMatch) codes.push("precondition_failed");
  codes.push(...operation.errors, "internal_error");
  if (operation.auth === "key") codes.push("rate_limited", "database_unavailable");
  return [...new Set(codes)];
}

type Output<S> = S extends z.ZodType ? z.output<S> : undefined;

/** What a handler gets of the request, decoded and checked. */
export interface OperationInput<O extends OperationDefinition> {
  readonly params: Output<O["params"]>;
  readonly query: Output<O["query"]>;
  readonly body: Output<O["body"]>;
}

/** What a handler answers, before it is encoded. */
export type OperationOutput<O extends OperationDefinition> = Output<O["output"]>;
