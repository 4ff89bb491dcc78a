import { date, integer, pgTable, primaryKey, text, timestamp } from "drizzle-orm/pg-core";

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
