import { sql } from "drizzle-orm";
import { check, index, integer, jsonb, pgTable, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import { createdAt, id, instant, revision, updatedAt } from "./columns.ts";

export const company = pgTable(
  "company",
  {
    id: id(),
    name: text("name").notNull(),
    timezone: text("timezone"),
    country: text("country"),
    attributes: jsonb("attributes").$type<Record<string, unknown>>().notNull().default({}),
    revision: revision(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    index("company_name_idx").on(sql`lower(${t.name})`),
    index("company_created_idx").on(t.createdAt, t.id),
    index("company_name_search_idx").using("gin", sql`${t.name} gin_trgm_ops`),
  ],
);

export const contact = pgTable(
  "contact",
  {
    id: id(),
    email: text("email").notNull(),
    firstName: text("first_name").notNull().default(""),
    lastName: text("last_name").notNull().default(""),
    companyId: uuid("company_id").references(() => company.id, { onDelete: "set null" }),
    timezone: text("timezone"),
    country: text("country"),
    attributes: jsonb("attributes").$type<Record<string, unknown>>().notNull().default({}),
    optedOutAt: instant("opted_out_at"),
    /** No further email that keeps a gap goes to this contact before then; taken together with the right to send one. */
    emailGapUntil: instant("email_gap_until"),
    /** The execution whose email began the gap: it is not kept waiting by its own. */
    emailGapExecutionId: uuid("email_gap_execution_id"),
    revision: revision(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    uniqueIndex("contact_email_key").on(sql`lower(${t.email})`),
    index("contact_created_idx").on(t.createdAt, t.id),
    index("contact_opted_out_idx").on(t.id).where(sql`${t.optedOutAt} is not null`),
    index("contact_company_idx").on(t.companyId, t.id),
    // For searches. Where the extension pg_trgm cannot be had, the migration leaves these out, and those like them.
    index("contact_email_search_idx").using("gin", sql`${t.email} gin_trgm_ops`),
    index("contact_name_search_idx").using("gin", sql`(${t.firstName} || ' ' || ${t.lastName}) gin_trgm_ops`),
  ],
);

/** Who works with an installation. The role is for people who sign in; a key has scopes of its own. */
export const user = pgTable(
  "user",
  {
    id: id(),
    email: text("email").notNull(),
    name: text("name").notNull(),
    role: text("role", { enum: ["admin", "editor", "viewer"] })
      .notNull()
      .default("viewer"),
    /** Set: neither they nor their keys get in. What they made stays theirs. */
    deactivatedAt: instant("deactivated_at"),
    revision: revision(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    uniqueIndex("user_email_key").on(sql`lower(${t.email})`),
    check("user_role_check", sql`${t.role} in ('admin', 'editor', 'viewer')`),
  ],
);

/** The key itself is shown once, when it is made; only its SHA-256 stays. */
export const apiKey = pgTable(
  "api_key",
  {
    id: id(),
    name: text("name").notNull(),
    prefix: text("prefix").notNull(),
    keyHash: text("key_hash").notNull(),
    userId: uuid("user_id").references(() => user.id),
    scopes: text("scopes", { enum: ["read", "enroll", "write", "admin"] })
      .array()
      .notNull(),
    /** Of its own; null: what the installation allows each key. */
    requestsPerMinuteMax: integer("requests_per_minute_max"),
    createdAt: createdAt(),
    expiresAt: instant("expires_at"),
    revokedAt: instant("revoked_at"),
    /** To the minute. */
    lastUsedAt: instant("last_used_at"),
    revision: revision(),
  },
  (t) => [
    uniqueIndex("api_key_hash_key").on(t.keyHash),
    uniqueIndex("api_key_prefix_key").on(t.prefix),
    check(
      "api_key_scopes_check",
      sql`cardinality(${t.scopes}) > 0 and ${t.scopes} <@ '{read,enroll,write,admin}'::text[]`,
    ),
    check("api_key_requests_check", sql`${t.requestsPerMinuteMax} >= 1`),
  ],
);

/** Addresses that get nothing, whoever enrolls them: unsubscribe, hard bounce, complaint, manual. */
export const suppression = pgTable(
  "suppression",
  {
    id: id(),
    email: text("email").notNull(),
    reason: text("reason", { enum: ["unsubscribe", "hard_bounce", "complaint", "manual"] }).notNull(),
    note: text("note").notNull().default(""),
    revision: revision(),
    createdAt: createdAt(),
  },
  (t) => [
    uniqueIndex("suppression_email_key").on(sql`lower(${t.email})`),
    index("suppression_reason_idx").on(t.reason, t.createdAt, t.id),
    index("suppression_email_search_idx").using("gin", sql`${t.email} gin_trgm_ops`),
    index("suppression_note_search_idx").using("gin", sql`${t.note} gin_trgm_ops`),
    index("suppression_created_idx").on(t.createdAt, t.id),
  ],
);
