import { z } from "zod";
import { Id, Instant, line } from "./fields.ts";
import { BooleanFilter, listQuery, pageOf, Search } from "./list.ts";
import { defineOperation, scopes } from "./operation.ts";
import { Revision } from "./sequence-steps.ts";

export const ApiKeyScope = z.enum(scopes, `is one of ${scopes.join(", ")}`);

const requestsPerMinuteMessage = "is a whole number from 1 to 1000000";
const requestsPerMinute = z
  .int(requestsPerMinuteMessage)
  .min(1, requestsPerMinuteMessage)
  .max(1_000_000, requestsPerMinuteMessage)
  .nullable()
  .describe("A limit of its own; null: the installation's");

export const ApiKey = z
  .strictObject({
    id: Id,
    name: z.string(),
    prefix: z.string().describe("The part of the key that may be shown: `dk_abcdefgh`"),
    scopes: z.array(ApiKeyScope),
    user: Id.nullable().describe("On whose behalf it acts: what it makes is theirs"),
    user_name: z.string().nullable(),
    requests_per_minute: requestsPerMinute,
    is_active: z.boolean().describe("Whether it opens the API now"),
    created_at: Instant,
    expires_at: Instant.nullable(),
    revoked_at: Instant.nullable(),
    last_used_at: Instant.nullable().describe("To the minute"),
    revision: Revision,
  })
  .meta({ id: "ApiKey" });
export type ApiKey = z.output<typeof ApiKey>;

const NewApiKey = z
  .strictObject({
    ...ApiKey.shape,
    key: z
      .string()
      .nullable()
      .describe(
        "The key itself. Only this answer has it, and it is stored nowhere: null when the answer is replayed for an `Idempotency-Key`. Whoever lost the first answer rotates the key.",
      ),
  })
  .meta({ id: "NewApiKey" });

export const ApiKeyInput = z
  .strictObject({
    name: line(200),
    scopes: z
      .array(ApiKeyScope)
      .min(1, "names no scope")
      .max(scopes.length, "names a scope twice")
      .refine((list) => new Set(list).size === list.length, "names a scope twice")
      .describe(
        "`read`: look at everything; `enroll`: put people into sequences and take them out, and see nothing else; `write`: both, and change things; `admin`: all, and users and keys",
      ),
    user: Id.nullable().default(null),
    expires_at: Instant.nullable().default(null).describe("In the future; null: never"),
    requests_per_minute: requestsPerMinute.default(null),
  })
  .meta({ id: "ApiKeyInput", examples: [{ name: "Signup form", scopes: ["enroll"] }] });

const editable = {
  name: line(200),
  requests_per_minute: requestsPerMinute,
  expires_at: Instant.nullable().describe("In the future; null: never"),
};

export const ApiKeyPut = z
  .strictObject({
    ...editable,
    requests_per_minute: requestsPerMinute.default(null),
    expires_at: editable.expires_at.default(null),
  })
  .meta({ id: "ApiKeyPut", examples: [{ name: "Signup form", requests_per_minute: 600 }] });

export const ApiKeyPatch = z
  .strictObject(editable)
  .partial()
  .refine((changes) => Object.keys(changes).length > 0, "names nothing to change")
  .meta({ id: "ApiKeyPatch", examples: [{ requests_per_minute: 600 }] });

/** A week: long enough to bring a new key to wherever the old one is. */
const overlapMinutesMax = 10_080;
const overlapMessage = `is a whole number from 0 to ${overlapMinutesMax}`;

export const RotateApiKeyInput = z
  .strictObject({
    overlap_minutes: z
      .int(overlapMessage)
      .min(0, overlapMessage)
      .max(overlapMinutesMax, overlapMessage)
      .default(0)
      .describe("How long the old key still works; 0: it is revoked at once"),
    expires_at: Instant.nullable().optional().describe("Of the new key; left out: as the old one's"),
  })
  .meta({ id: "RotateApiKeyInput", examples: [{ overlap_minutes: 1_440 }] });

const tag = "api-keys";
const scope = "admin";
const params = z.strictObject({ id: Id });
const bodyBytesMax = 16_384;

export const listApiKeys = defineOperation({
  id: "listApiKeys",
  method: "GET",
  path: "/api/v1/api-keys/",
  summary: "List API keys",
  description: "Also those that are expired or revoked; never a key itself.",
  tag,
  auth: "key",
  scope,
  query: listQuery({
    orderings: ["-created_at", "name"],
    filters: {
      user: Id.optional(),
      is_active: BooleanFilter.optional(),
      search: Search.optional().describe("In name and prefix"),
    },
  }),
  success: 200,
  output: pageOf(ApiKey, "ApiKeyPage"),
  errors: [],
});

export const createApiKey = defineOperation({
  id: "createApiKey",
  method: "POST",
  path: "/api/v1/api-keys/",
  summary: "Create an API key",
  description: "The answer shows the key, this once: only its hash is stored.",
  tag,
  auth: "key",
  scope,
  body: ApiKeyInput,
  bodyBytesMax,
  success: 201,
  output: NewApiKey,
  shownOnce: ["key"],
  errors: [],
});

export const getApiKey = defineOperation({
  id: "getApiKey",
  method: "GET",
  path: "/api/v1/api-keys/{id}/",
  summary: "Get an API key",
  tag,
  auth: "key",
  scope,
  params,
  success: 200,
  output: ApiKey,
  errors: [],
});

const editing = {
  path: "/api/v1/api-keys/{id}/",
  description:
    "Its scopes and its user stay what they are: make another key for other rights. In effect from the next request on.",
  tag,
  auth: "key",
  scope,
  takesIfMatch: true,
  params,
  bodyBytesMax,
  success: 200,
  output: ApiKey,
  errors: ["api_key_revoked"],
} as const;

export const replaceApiKey = defineOperation({
  id: "replaceApiKey",
  method: "PUT",
  summary: "Replace what can be changed about an API key",
  body: ApiKeyPut,
  ...editing,
});

export const updateApiKey = defineOperation({
  id: "updateApiKey",
  method: "PATCH",
  summary: "Change an API key",
  body: ApiKeyPatch,
  ...editing,
});

export const rotateApiKey = defineOperation({
  id: "rotateApiKey",
  method: "POST",
  path: "/api/v1/api-keys/{id}/rotate/",
  summary: "Rotate an API key",
  description:
    "Answers a new key with the name, rights, user, limit and expiry of the old one, which is revoked at once, or expires after `overlap_minutes`.",
  tag,
  auth: "key",
  scope,
  params,
  body: RotateApiKeyInput,
  bodyBytesMax,
  success: 201,
  output: NewApiKey,
  shownOnce: ["key"],
  errors: ["api_key_revoked"],
});

const ending = "The next request with it is refused. A key that is revoked already stays as it is.";

export const revokeApiKey = defineOperation({
  id: "revokeApiKey",
  method: "POST",
  path: "/api/v1/api-keys/{id}/revoke/",
  summary: "Revoke an API key",
  description: ending,
  tag,
  auth: "key",
  scope,
  params,
  success: 200,
  output: ApiKey,
  errors: [],
});

export const deleteApiKey = defineOperation({
  id: "deleteApiKey",
  method: "DELETE",
  path: "/api/v1/api-keys/{id}/",
  summary: "Revoke an API key for good",
  description: `The same as revoking it; the record of the key stays, because other records name it. ${ending}`,
  tag,
  auth: "key",
  scope,
  params,
  success: 204,
  output: z.strictObject({ id: Id }),
  errors: [],
});
