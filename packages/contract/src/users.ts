import { z } from "zod";
import { EmailAddress } from "./email-address.ts";
import { Id, Instant, line } from "./fields.ts";
import { BooleanFilter, listQuery, pageOf, Search } from "./list.ts";
import { defineOperation } from "./operation.ts";

const roles = ["admin", "editor", "viewer"] as const;

const Role = z.enum(roles, `is one of ${roles.join(", ")}`);

export const User = z
  .strictObject({
    id: Id,
    email: z.string(),
    name: z.string(),
    role: Role.describe("For people who sign in; what an API key may do is in its own scopes"),
    is_active: z.boolean().describe("`false`: neither they nor their API keys get in"),
    revision: z.int().describe("Goes up with every edit; also the `ETag`"),
    created_at: Instant,
    updated_at: Instant,
  })
  .meta({ id: "User" });
export type User = z.output<typeof User>;

const fields = {
  email: EmailAddress,
  name: line(200),
  role: Role,
  is_active: z.boolean(),
};

export const UserInput = z
  .strictObject({ ...fields, role: fields.role.default("viewer"), is_active: fields.is_active.default(true) })
  .meta({ id: "UserInput", examples: [{ email: "olga@example.com", name: "Olga", role: "editor" }] });

/** Any of these fields; the others stay as they are. */
export const UserPatch = z
  .strictObject(fields)
  .partial()
  .refine((changes) => Object.keys(changes).length > 0, "names nothing to change")
  .meta({ id: "UserPatch", examples: [{ is_active: false }] });

const tag = "users";
const scope = "admin";
const params = z.strictObject({ id: Id });
const bodyBytesMax = 16_384;

export const listUsers = defineOperation({
  id: "listUsers",
  method: "GET",
  path: "/api/v1/users/",
  summary: "List users",
  tag,
  auth: "key",
  scope,
  query: listQuery({
    orderings: ["-created_at", "email"],
    filters: {
      role: Role.optional(),
      is_active: BooleanFilter.optional(),
      search: Search.optional().describe("In address and name"),
    },
  }),
  success: 200,
  output: pageOf(User, "UserPage"),
  errors: [],
});

export const createUser = defineOperation({
  id: "createUser",
  method: "POST",
  path: "/api/v1/users/",
  summary: "Create a user",
  description: "Addresses are unique without regard to letter case.",
  tag,
  auth: "key",
  scope,
  body: UserInput,
  bodyBytesMax,
  success: 201,
  output: User,
  errors: ["email_taken"],
});

export const getUser = defineOperation({
  id: "getUser",
  method: "GET",
  path: "/api/v1/users/{id}/",
  summary: "Get a user",
  tag,
  auth: "key",
  scope,
  params,
  success: 200,
  output: User,
  errors: [],
});

const deactivating =
  "Deactivating shuts out the user and all their API keys from the next request on; what they made stays theirs.";

export const replaceUser = defineOperation({
  id: "replaceUser",
  method: "PUT",
  path: "/api/v1/users/{id}/",
  summary: "Replace a user",
  description: `What is left out gets its default. ${deactivating}`,
  tag,
  auth: "key",
  scope,
  takesIfMatch: true,
  params,
  body: UserInput,
  bodyBytesMax,
  success: 200,
  output: User,
  errors: ["email_taken"],
});

export const updateUser = defineOperation({
  id: "updateUser",
  method: "PATCH",
  path: "/api/v1/users/{id}/",
  summary: "Change a user",
  description: deactivating,
  tag,
  auth: "key",
  scope,
  takesIfMatch: true,
  params,
  body: UserPatch,
  bodyBytesMax,
  success: 200,
  output: User,
  errors: ["email_taken"],
});

export const deleteUser = defineOperation({
  id: "deleteUser",
  method: "DELETE",
  path: "/api/v1/users/{id}/",
  summary: "Delete a user who made nothing",
  description:
    "Refused as soon as something names them as its maker, or an API key was made for them, also one that is revoked: deactivate them instead.",
  tag,
  auth: "key",
  scope,
  takesIfMatch: true,
  params,
  success: 204,
  output: z.strictObject({ id: Id }),
  errors: ["in_use"],
});
