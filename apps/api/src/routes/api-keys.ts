import {
  type ApiKeyInput,
  createApiKey,
  deleteApiKey,
  getApiKey,
  listApiKeys,
  type RotateApiKeyInput,
  replaceApiKey,
  revokeApiKey,
  rotateApiKey,
  updateApiKey,
} from "@dripline/contract/api-keys";
import * as keys from "@dripline/db/api-keys";
import type { Queryable } from "@dripline/db/database";
import { expireApiKeys, revokeApiKeys } from "@dripline/db/end-api-keys";
import * as reading from "@dripline/db/queries/read-api-keys";
import { findUser } from "@dripline/db/queries/read-users";
import * as changing from "@dripline/db/queries/update-api-key";
import type { FastifyInstance } from "fastify";
import type { z } from "zod";
import { pageBody, pageRequest } from "../cursor.ts";
import type { Deps } from "../deps.ts";
import { found, notFound, ProblemError, unknownReferences } from "../problem-error.ts";
import { type Context, serve } from "../serve.ts";
import { takeForEdit } from "../take-for-edit.ts";

type EditContext = Pick<Context<typeof updateApiKey>, "tx" | "params" | "body" | "ifMatch" | "now">;

// Only a key with the scope admin gets here, and that one may do everything: nobody can hand out more than they have.
export function serveApiKeys(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, listApiKeys, async ({ db, query, url, now }) => {
    const page = await reading.listApiKeys(db, query, pageRequest(query), now);
    return pageBody(page, query, url, (key) => key);
  });

  serve(app, deps, getApiKey, ({ db, params, now }) => existing(db, params.id, now));

  serve(app, deps, createApiKey, async ({ tx, body, now, addToAudit }) => {
    refusePast(body.expires_at, now);
    await refuseUnusableUser(tx, body);
    addToAudit({ name: body.name, scopes: body.scopes, user: body.user });
    return make(tx, {
      name: body.name,
      scopes: body.scopes,
      userId: body.user,
      expiresAt: body.expires_at,
      requestsPerMinuteMax: body.requests_per_minute,
      now,
    });
  });

  const edit = async ({ tx, params: { id }, body, ifMatch, now }: EditContext) => {
    refusePast(body.expires_at, now);
    await takeForEdit(tx, "api_key", id, ifMatch);
    const outcome = await changing.updateApiKey(tx, id, {
      ...(body.name === undefined ? {} : { name: body.name }),
      ...(body.requests_per_minute === undefined ? {} : { requestsPerMinuteMax: body.requests_per_minute }),
      ...(body.expires_at === undefined ? {} : { expiresAt: body.expires_at }),
    });
    if (outcome === "revoked") throw revoked(id);
    return existing(tx, id, now);
  };
  serve(app, deps, replaceApiKey, edit);
  serve(app, deps, updateApiKey, edit);

  serve(app, deps, rotateApiKey, async ({ tx, params: { id }, body, now, addToAudit }) => {
    const old = await existing(tx, id, now);
    const expiresAt = body.expires_at === undefined ? old.expires_at : body.expires_at;
    refusePast(expiresAt, now);
    if (!(await end(tx, id, body, now))) throw revoked(id);
    addToAudit({ replaces: id, overlap_minutes: body.overlap_minutes });
    return make(tx, {
      name: old.name,
      scopes: old.scopes,
      userId: old.user,
      expiresAt,
      requestsPerMinuteMax: old.requests_per_minute,
      now,
    });
  });

  serve(app, deps, revokeApiKey, async ({ tx, params: { id }, now }) => {
    await revokeApiKeys(tx, [id], now);
    return existing(tx, id, now);
  });

  serve(app, deps, deleteApiKey, async ({ tx, params: { id }, now, addToAudit }) => {
    await revokeApiKeys(tx, [id], now);
    const { name, prefix } = await existing(tx, id, now);
    addToAudit({ name, prefix });
    return { id };
  });
}

async function existing(db: Queryable, id: string, now: Date): Promise<reading.ApiKeyRow> {
  const key = await reading.findApiKeyById(db, id, now);
  if (key === undefined) throw notFound("API key", id);
  return key;
}

async function make(tx: Queryable, values: keys.NewApiKey): Promise<reading.ApiKeyRow & { key: string }> {
  const { id, key } = await keys.createApiKey(tx, values);
  return { ...found(await reading.findApiKeyById(tx, id, values.now)), key };
}

/** Lets the old key go on for the overlap, or not at all. False if it is revoked, perhaps by another rotation just now. */
async function end(
  tx: Queryable,
  id: string,
  { overlap_minutes: minutes }: z.output<typeof RotateApiKeyInput>,
  now: Date,
): Promise<boolean> {
  const ended =
    minutes === 0
      ? await revokeApiKeys(tx, [id], now)
      : await expireApiKeys(tx, [id], new Date(now.getTime() + minutes * 60_000));
  return ended.length === 1;
}

function revoked(id: string): ProblemError {
  return new ProblemError("api_key_revoked", `The API key ${id} is revoked for good. Create another one.`);
}

function refusePast(expiresAt: Date | null | undefined, now: Date): void {
  if (expiresAt === null || expiresAt === undefined || expiresAt > now) return;
  throw new ProblemError("validation_failed", "The key would have expired already: name a moment to come, or null.", {
    errors: [{ pointer: "/expires_at", code: "invalid", detail: "is over" }],
  });
}

async function refuseUnusableUser(tx: Queryable, { user: id }: z.output<typeof ApiKeyInput>): Promise<void> {
  if (id === null) return;
  const user = await findUser(tx, id);
  if (user === undefined) throw unknownReferences([{ pointer: "/user", what: "user", id }]);
  if (user.is_active) return;
  throw new ProblemError("validation_failed", "The user is deactivated, so none of their keys works.", {
    errors: [{ pointer: "/user", code: "deactivated", detail: "is deactivated" }],
  });
}
