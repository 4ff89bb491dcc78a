import { z } from "zod";
import { Id } from "./fields.ts";
import { defineOperation } from "./operation.ts";

export const Me = z
  .strictObject({
    api_key: z.strictObject({ id: Id, name: z.string(), prefix: z.string() }),
    user: z.strictObject({ id: Id, name: z.string() }).nullable(),
  })
  .meta({ id: "Me" });

export const getMe = defineOperation({
  id: "getMe",
  method: "GET",
  path: "/api/v1/me/",
  summary: "Who am I",
  description: "What the API key in the request stands for. Good for testing a key.",
  tag: "me",
  auth: "key",
  success: 200,
  output: Me,
  errors: [],
});
