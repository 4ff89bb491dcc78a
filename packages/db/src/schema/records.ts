import { index, integer, jsonb, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { createdAt, id, instant } from "./columns.ts";

/** Which principal did what through API or command. */
export const auditLog = pgTable(
  "audit_log",
  {
    id: id(),
    at: instant("at").notNull(),
    principal: text("principal").notNull(),
    action: text("action").notNull(),
    objectType: text("object_type").notNull(),
    objectId: text("object_id").notNull(),
    requestId: text("request_id"),
    data: jsonb("data").$type<Record<string, unknown>>().notNull().default({}),
  },
  (t) => [
    index("audit_log_at_idx").on(t.at),
    index("audit_log_object_idx").on(t.objectType, t.objectId),
    index("audit_log_principal_idx").on(t.principal, t.at),
    index("audit_log_action_idx").on(t.action, t.at),
  ],
);

/** The answer of a finished POST, replayed for the same key and body; written in the transaction of its effect. */
export const idempotencyKey = pgTable(
  "idempotency_key",
  {
    principal: text("principal").notNull(),
    key: text("key").notNull(),
    requestHash: text("request_hash").notNull(),
    statusCode: integer("status_code").notNull(),
    body: jsonb("body").$type<unknown>(),
    createdAt: createdAt(),
  },
  (t) => [primaryKey({ columns: [t.principal, t.key] }), index("idempotency_key_created_idx").on(t.createdAt)],
);
