import type { BackoffReason } from "@dripline/domain/delivery-backoff";
import { date, doublePrecision, integer, pgTable, primaryKey, text, timestamp } from "drizzle-orm/pg-core";

/** How many emails of one scope (`sequence:<id>`, `sender:<address>`) took their place on one local date. */
export const sendQuota = pgTable(
  "send_quota",
  {
    scope: text("scope").notNull(),
    day: date("day", { mode: "string" }).notNull(),
    used: integer("used").notNull().default(0),
    /** Those sent on to this date because an earlier one was full; only a suggestion, `used` is what counts. */
    booked: integer("booked").notNull().default(0),
  },
  (t) => [primaryKey({ columns: [t.scope, t.day] })],
);

/** Microseconds: at 300 emails a second, slots rounded to milliseconds would be a tenth too close. */
const slot = (name: string) => timestamp(name, { withTimezone: true, precision: 6, mode: "date" });

/** The pace of all workers together. */
export const sendRate = pgTable("send_rate", {
  scope: text("scope").primaryKey(),
  /** The next moment at which an email may leave. */
  nextAt: slot("next_at").notNull(),
  /** The next moment to come back at, for those who found too many before them. */
  suggestedAt: slot("suggested_at").notNull(),
});

/**
 * What the mail server or a recipient's domain told us to go slow with (`transport`, `domain:example.com`). While a scope
 * has a row, emails of that scope leave one at a time, `intervalSeconds` apart; without one nothing is slowed down.
 */
export const deliveryBackoff = pgTable("delivery_backoff", {
  scope: text("scope").primaryKey(),
  /** When the next email may try. Whoever takes that place moves it on by the interval. */
  nextAt: timestamp("next_at", { withTimezone: true, precision: 3, mode: "date" }).notNull(),
  /** The next moment to come back at, for those who found the place taken. */
  suggestedAt: timestamp("suggested_at", { withTimezone: true, precision: 3, mode: "date" }).notNull(),
  intervalSeconds: doublePrecision("interval_seconds").notNull(),
  /** A `BackoffReason`, and what the server said, for operators. */
  reason: text("reason").$type<BackoffReason>().notNull(),
  message: text("message").notNull(),
  since: timestamp("since", { withTimezone: true, precision: 3, mode: "date" }).notNull(),
  updatedAt: timestamp("updated_at", { withTimezone: true, precision: 3, mode: "date" }).notNull(),
});

/** How far a sweep that walks along the table has come. */
export const sweepCursor = pgTable("sweep_cursor", {
  sweep: text("sweep").primaryKey(),
  at: timestamp("at", { withTimezone: true, precision: 3, mode: "date" }).notNull(),
});
