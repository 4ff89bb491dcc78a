import { createHash } from "node:crypto";
import type { Queryable } from "@dripline/db/database";
import {
  findStoredAnswer,
  type IdempotentRequest,
  lockIdempotencyKey,
  type StoredAnswer,
} from "@dripline/db/queries/idempotent-answers";
import { ProblemError } from "./problem-error.ts";

const keyCharactersMax = 255;

/**
 * The `Idempotency-Key` of a request (draft-ietf-httpapi-idempotency-key-header), bare or quoted as a structured string;
 * undefined if there is none.
 * @throws ProblemError `invalid_header`
 */
export function readIdempotencyKey(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (Array.isArray(header)) throw invalidKey("is given more than once");
  const quoted = /^"((?:[^"\\]|\\["\\])*)"$/.exec(header.trim());
  const key = quoted?.[1] === undefined ? header.trim() : quoted[1].replaceAll(/\\(["\\])/g, "$1");
  if (key === "") throw invalidKey("is empty");
  if (key.length > keyCharactersMax) throw invalidKey(`is longer than ${keyCharactersMax} characters`);
  if (!/^[\x20-\x7e]+$/.test(key)) throw invalidKey("has characters other than visible ASCII");
  return key;
}

function invalidKey(what: string): ProblemError {
  return new ProblemError("invalid_header", `The header Idempotency-Key ${what}.`);
}

/** Says whether two requests are the same: operation, path and the meaning of the body, not its spelling. */
export function requestHash(method: string, path: string, body: unknown): string {
  const place = `${method} ${path.replace(/\/+$/, "")}`;
  return createHash("sha256")
    .update(`${place}\n${JSON.stringify(sorted(body))}`)
    .digest("hex");
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value ?? null;
  // As pairs: an object would put keys that look like numbers first whatever the order they are added in.
  return {
    object: Object.entries(value)
      .sort(byKey)
      .map(([key, inner]) => [key, sorted(inner)]),
  };
}

function byKey([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Takes the key for this transaction and looks for the answer of an earlier one. Only successes are stored: a request
 * that was refused had no effect, so the same key may be used again for a better one.
 * @throws ProblemError while the same key is worked on elsewhere, or if it was used for another request
 */
export async function takeIdempotencyKey(tx: Queryable, request: IdempotentRequest): Promise<StoredAnswer | undefined> {
  if (!(await lockIdempotencyKey(tx, request))) {
    throw new ProblemError("idempotency_in_progress", "A request with this Idempotency-Key is being worked on.", {
      retryAfterSeconds: 1,
    });
  }
  const stored = await findStoredAnswer(tx, request);
  if (stored !== undefined && stored.requestHash !== request.requestHash) {
    throw new ProblemError(
      "idempotency_key_reused",
      "This Idempotency-Key was used for another request; take a new one.",
    );
  }
  return stored;
}
