import {
  type OperationDefinition,
  type OperationInput,
  type OperationOutput,
  scopeOf,
} from "@dripline/contract/operation";
import { inTransaction, type Queryable } from "@dripline/db/database";
import { inSnapshot } from "@dripline/db/in-snapshot";
import { storeAnswer } from "@dripline/db/queries/idempotent-answers";
import { insertAuditEntry } from "@dripline/db/queries/insert-audit-entry";
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { announceDeprecation } from "./announce-deprecation.ts";
import { authenticate, type Principal } from "./authenticate.ts";
import type { Deps } from "./deps.ts";
import { readIdempotencyKey, requestHash, takeIdempotencyKey } from "./idempotency.ts";
import { dependsOnNoRevision, entityTag, type IfMatch, readIfMatch } from "./if-match.ts";
import { parseRequest } from "./parse-request.ts";

type Guarded<O extends OperationDefinition> = O["auth"] extends "key" ? Principal : null;

interface ReadContext<O extends OperationDefinition> extends OperationInput<O> {
  readonly principal: Guarded<O>;
  readonly now: Date;
  readonly log: FastifyBaseLogger;
  readonly db: Queryable;
  /** The request's own address with these query parameters in place of its own. */
  readonly url: (query: Readonly<Record<string, string>>) => string;
}

interface WriteContext<O extends OperationDefinition> extends OperationInput<O> {
  readonly principal: Guarded<O>;
  readonly now: Date;
  readonly log: FastifyBaseLogger;
  /** One transaction for the effect, the stored answer and the audit entry. A handler that throws leaves nothing. */
  readonly tx: Queryable;
  /** The revision that the caller read, if the operation takes `If-Match`: ask `refuseOtherRevision` about it. */
  readonly ifMatch: IfMatch;
  /** What the audit entry says beyond who, what and which one: for what the record itself does not tell (any more). */
  readonly addToAudit: (data: Readonly<Record<string, unknown>>) => void;
  /** Runs before the answer, once everything is committed; not when an answer is replayed. It must not throw. */
  readonly afterCommit: (effect: () => Promise<void>) => void;
}

export type Context<O extends OperationDefinition> = O["method"] extends "GET"
  ? ReadContext<O>
  : O extends { readonly writes: false }
    ? ReadContext<O>
    : WriteContext<O>;
export type Handler<O extends OperationDefinition> = (context: Context<O>) => Promise<OperationOutput<O>>;

/**
 * Puts an operation of the contract on the air: its path, with authentication, with its input checked and its answer
 * encoded as the contract says. The only way in which a route of the API comes to be.
 */
export function serve<O extends OperationDefinition>(
  app: FastifyInstance,
  deps: Deps,
  operation: O,
  handler: Handler<NoInfer<O>>,
): void {
  route(app, deps, operation, async (context, request, reply) => {
    const isRead = operation.method === "GET" || operation.writes === false;
    if (!isRead) return answerWrite(deps, operation, handler, context, request, reply);
    const url = (query: Readonly<Record<string, string>>) =>
      `${deps.publicUrl}${pathOf(request)}?${new URLSearchParams(query)}`;
    const read = (db: Queryable) => handler({ ...context, db, url } as unknown as Context<O>);
    // A POST that only reads is held to it by the database; it leaves no audit entry and no stored answer either.
    const output = operation.method === "GET" ? await read(deps.database) : await inSnapshot(deps.database, read);
    return send(reply, operation.success, encode(operation, output));
  });
}

export interface RequestContext<O extends OperationDefinition> extends OperationInput<O> {
  readonly principal: Principal | null;
  readonly now: Date;
  readonly log: FastifyBaseLogger;
}

/** Puts an operation at its path, with authentication and with its input checked, whatever its answer looks like. */
export function route<O extends OperationDefinition>(
  app: FastifyInstance,
  deps: Deps,
  operation: O,
  answer: (context: RequestContext<O>, request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>,
): void {
  const scope = scopeOf(operation);
  const { deprecated, bodyBytesMax } = operation;
  app.route({
    method: operation.method,
    url: operation.path.replaceAll(/\{([^}]+)\}/g, ":$1"),
    ...(bodyBytesMax === undefined ? {} : { bodyLimit: bodyBytesMax }),
    config: { takesFields: operation.body !== undefined },
    onRequest: [
      ...(deprecated === undefined ? [] : [announceDeprecation(deprecated, deps.publicUrl)]), // refusals say so too
      ...(scope === undefined ? [] : [authenticate(deps, scope)]),
    ],
    handler: async (request, reply) => {
      const input = parseRequest(operation, request);
      const context = { ...input, principal: request.principal, now: deps.now(), log: request.log };
      const work = () => answer(context, request, reply);
      return request.trace === null ? work() : request.trace.within(work);
    },
  });
}

/** Answers a request that writes: effect, stored answer and audit entry in one transaction. */
export async function answerWrite<O extends OperationDefinition>(
  deps: Deps,
  operation: O,
  handler: Handler<NoInfer<O>>,
  context: RequestContext<O>,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const principal = context.principal?.id ?? "anonymous";
  const key = readIdempotencyKey(request.headers["idempotency-key"]);
  const identity = key && {
    principal,
    key,
    requestHash: requestHash(operation.method, pathOf(request), request.body),
  };
  const ifMatch = readIfMatch(request.headers["if-match"]);
  if (ifMatch !== undefined && !operation.takesIfMatch) throw dependsOnNoRevision();
  const effects: (() => Promise<void>)[] = [];
  const carryOut = () =>
    inTransaction(deps.database, async (tx) => {
      const stored = identity && (await takeIdempotencyKey(tx, identity));
      if (stored) return { ...stored, isReplay: true };

      const afterCommit = (effect: () => Promise<void>) => void effects.push(effect);
      const data: Record<string, unknown> = isEdit(operation) ? { fields: Object.keys(context.body as object) } : {};
      const addToAudit = (more: Readonly<Record<string, unknown>>) => void Object.assign(data, more);
      const tools = { tx, ifMatch, afterCommit, addToAudit };
      const body = encode(operation, await handler({ ...context, ...tools } as unknown as Context<O>));
      await insertAuditEntry(tx, {
        at: context.now,
        principal,
        action: operation.id,
        objectType: operation.tag,
        objectId: idOf(body),
        requestId: request.id,
        data,
      });
      const statusCode = operation.success;
      if (identity) await storeAnswer(tx, identity, { statusCode, body: withoutSecrets(operation, body) });
      return { statusCode, body, isReplay: false };
    });
  const outcome = await deps.spans.run("transaction", { "dripline.operation": operation.id }, carryOut);
  for (const effect of effects) await effect();
  if (outcome.isReplay) reply.header("idempotency-replayed", "true");
  if (outcome.statusCode === 201) {
    // What was made is one of the collection that the operation is about, wherever the operation itself is.
    reply.header("location", `${deps.publicUrl}/api/v1/${operation.tag}/${idOf(outcome.body)}/`);
  }
  return send(reply, outcome.statusCode, outcome.body);
}

/** What may be stored: a secret that only its first answer shows is null in every replay. */
function withoutSecrets({ shownOnce = [] }: OperationDefinition, body: unknown): unknown {
  return shownOnce.length === 0
    ? body
    : { ...(body as object), ...Object.fromEntries(shownOnce.map((m) => [m, null])) };
}

function encode<O extends OperationDefinition>({ id, output: schema }: O, output: OperationOutput<O>): unknown {
  const encoded = z.safeEncode(schema, output as never);
  if (!encoded.success) throw new Error(`${id}: the answer is not what the contract says`, { cause: encoded.error });
  return encoded.data;
}

function send(reply: FastifyReply, status: number, body: unknown): FastifyReply {
  const revision = revisionOf(body);
  if (revision !== undefined) reply.header("etag", entityTag(revision));
  if (status === 204) return reply.status(status).send();
  return reply.status(status).type("application/json; charset=utf-8").send(JSON.stringify(body));
}

/** Of fields: a file that is stored by PUT has none. */
function isEdit({ method, body }: OperationDefinition): boolean {
  return body !== undefined && (method === "PUT" || method === "PATCH");
}

function revisionOf(body: unknown): number | undefined {
  const revision = (body as { revision?: unknown } | null)?.revision;
  return typeof revision === "number" ? revision : undefined;
}

function idOf(body: unknown): string {
  return String((body as { id?: unknown } | null)?.id ?? "");
}

function pathOf(request: FastifyRequest): string {
  return request.url.replace(/\?.*$/s, "");
}
