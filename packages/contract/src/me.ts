import { z } from "zod";
import { ApiKeyScope } from "./api-keys.ts";
import { Id, Instant } from "./fields.ts";
import { defineOperation } from "./operation.ts";
import { User } from "./users.ts";

export const Me = z
  .strictObject({
    api_key: z.strictObject({
      id: Id,
      name: z.string(),
      prefix: z.string(),
      scopes: z.array(ApiKeyScope),
      expires_at: Instant.nullable(),
      requests_per_minute: z.int().nullable().describe("The limit that counts for this key; null: none"),
    }),
    user: z
      .strictObject({ id: Id, email: z.string(), name: z.string(), role: User.shape.role })
      .nullable()
      .describe("On whose behalf the key acts"),
  })
  .meta({ id: "Me" });

export const getMe = defineOperation({
  id: "getMe",
  method: "GET",
  path: "/api/v1/me/",
  summary: "Who am I",
  description: "What the API key in the request stands for, and what it may do. Good for testing a key.",
  tag: "me",
  auth: "key",
  scope: "any",
  success: 200,
  output: Me,
  errors: [],
});
