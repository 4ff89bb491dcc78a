import { createHash } from "node:crypto";
import type { Queryable } from "../database.ts";

export interface IdempotentRequest {
  readonly principal: string;
  readonly key: string;
  /** Of operation, path and body: two requests are the same if this is. */
  readonly requestHash: string;
}

export interface StoredAnswer {
  readonly requestHash: string;
  readonly statusCode: number;
  readonly body: unknown;
}

/** Takes the key until the transaction ends. False: another transaction holds it, that is, works on the same request. */
export async function lockIdempotencyKey(
  tx: Queryable,
  { principal, key }: Pick<IdempotentRequest, "principal" | "key">,
): Promise<boolean> {
  const digest = createHash("sha256").update(`idempotency\0${principal}\0${key}`).digest();
  const { rows } = await tx.query<{ locked: boolean }>("select pg_try_advisory_xact_lock($1::bigint) as locked", [
    digest.readBigInt64BE().toString(),
  ]);
  return rows[0]?.locked === true;
}

/** The stored answer to the request with this key, if one succeeded. Ask after `lockIdempotencyKey`. */
export async function findStoredAnswer(
  tx: Queryable,
  { principal, key }: Pick<IdempotentRequest, "principal" | "key">,
): Promise<StoredAnswer | undefined> {
  const { rows } = await tx.query<StoredAnswer>(
    `select request_hash as "requestHash", status_code as "statusCode", body
     from idempotency_key where principal = $1 and key = $2`,
    [principal, key],
  );
  return rows[0];
}

/** Stores an answer; in the transaction of its effect, so that there is never one without the other. */
export async function storeAnswer(
  tx: Queryable,
  request: IdempotentRequest,
  answer: { readonly statusCode: number; readonly body: unknown },
): Promise<void> {
  await tx.query(
    "insert into idempotency_key (principal, key, request_hash, status_code, body) values ($1, $2, $3, $4, $5)",
    [request.principal, request.key, request.requestHash, answer.statusCode, JSON.stringify(answer.body)],
  );
}
