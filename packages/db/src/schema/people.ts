import { sql } from "drizzle-orm";
import { index, jsonb, pgTable, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import { createdAt, id, instant, updatedAt } from "./columns.ts";

export const company = pgTable("company", {
  id: id(),
  name: text("name").notNull(),
  timezone: text("timezone"),
  country: text("country"),
  attributes: jsonb("attributes").$type<Record<string, unknown>>().notNull().default({}),
  createdAt: createdAt(),
  updatedAt: updatedAt(),
});

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
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [uniqueIndex("contact_email_key").on(sql`lower(${t.email})`), index("contact_company_idx").on(t.companyId)],
);

export const user = pgTable(
  "user",
  { id: id(), email: text("email").notNull(), name: text("name").notNull(), createdAt: createdAt() },
  (t) => [uniqueIndex("user_email_key").on(sql`lower(${t.email})`)],
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
    createdAt: createdAt(),
    expiresAt: instant("expires_at"),
    revokedAt: instant("revoked_at"),
  },
  (t) => [uniqueIndex("api_key_hash_key").on(t.keyHash)],
);

/** Addresses that get nothing, whoever enrolls them: unsubscribe, hard bounce, complaint, manual. */
export const suppression = pgTable(
  "suppression",
  {
    id: id(),
    email: text("email").notNull(),
    reason: text("reason", { enum: ["unsubscribe", "hard_bounce", "complaint", "manual"] }).notNull(),
    note: text("note").notNull().default(""),
    createdAt: createdAt(),
  },
  (t) => [uniqueIndex("suppression_email_key").on(sql`lower(${t.email})`)],
);
