import { z } from "zod";
import { Id, Instant } from "./fields.ts";
import { instantRange } from "./instant-range.ts";
import { listQuery, pageOf } from "./list.ts";
import { defineOperation } from "./operation.ts";

export const AuditEntry = z
  .strictObject({
    id: Id,
    at: Instant,
    principal: z.string().describe("Who: `api_key:<id>`"),
    principal_name: z.string().nullable().describe("The key's name, if it still exists"),
    action: z.string().describe("The operation's id, such as `createContact`"),
    object_type: z.string().describe("The resource, such as `contacts`"),
    object_id: z.string().describe("Empty for what is about many at once"),
    request_id: z
      .string()
      .nullable()
      .describe("The `X-Request-Id` of the request, which is in the server's log as well"),
    data: z.record(z.string(), z.unknown()).describe("What the record itself does not tell, or does not tell any more"),
  })
  .meta({ id: "AuditEntry" });

const tag = "audit-log";

export const listAuditEntries = defineOperation({
  id: "listAuditEntries",
  method: "GET",
  path: "/api/v1/audit-log/",
  summary: "List who did what",
  description: "One entry for each request that changed something, written in the same transaction. Append-only.",
  tag,
  auth: "key",
  scope: "admin",
  query: listQuery({
    orderings: ["-at"],
    filters: {
      principal: z.string().max(200).optional().describe("Exactly, such as `api_key:<id>`"),
      action: z.string().max(200).optional(),
      object_type: z.string().max(200).optional(),
      object_id: z.string().max(200).optional(),
      ...instantRange("at"),
    },
  }),
  success: 200,
  output: pageOf(AuditEntry, "AuditEntryPage"),
  errors: [],
});

export const getAuditEntry = defineOperation({
  id: "getAuditEntry",
  method: "GET",
  path: "/api/v1/audit-log/{id}/",
  summary: "Get one entry of the audit log",
  tag,
  auth: "key",
  scope: "admin",
  params: z.strictObject({ id: Id }),
  success: 200,
  output: AuditEntry,
  errors: [],
});
