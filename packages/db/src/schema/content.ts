import type { HolidayCalendar, SpecialHours, WeeklyWindow } from "@dripline/domain/schedule";
import { sql } from "drizzle-orm";
import { boolean, check, integer, jsonb, pgTable, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import { createdAt, id, revision, updatedAt } from "./columns.ts";
import { user } from "./people.ts";

/** What an author edits. `currentVersionNumber` names the version that the next email uses. */
export const emailTemplate = pgTable(
  "email_template",
  {
    id: id(),
    name: text("name").notNull(),
    currentVersionNumber: integer("current_version_number").notNull().default(1),
    revision: revision(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [uniqueIndex("email_template_name_key").on(sql`lower(${t.name})`)],
);

/** Immutable: MJML is compiled to HTML once, when the version is saved; email_log rows point here for ever. */
export const emailTemplateVersion = pgTable(
  "email_template_version",
  {
    id: id(),
    templateId: uuid("template_id")
      .notNull()
      .references(() => emailTemplate.id, { onDelete: "cascade" }),
    versionNumber: integer("version_number").notNull(),
    subject: text("subject").notNull(),
    mjml: text("mjml").notNull(),
    html: text("html").notNull(),
    text: text("text").notNull(),
    variables: jsonb("variables").$type<string[]>().notNull().default([]),
    createdBy: uuid("created_by").references(() => user.id),
    createdAt: createdAt(),
  },
  (t) => [uniqueIndex("email_template_version_number_key").on(t.templateId, t.versionNumber)],
);

/** When email may go out. Zone and windows are checked by `Schedule` of packages/domain before they get here. */
export const schedule = pgTable(
  "schedule",
  {
    id: id(),
    name: text("name").notNull(),
    timezone: text("timezone").notNull(),
    windows: jsonb("windows").$type<WeeklyWindow[]>().notNull(),
    closedDates: jsonb("closed_dates").$type<string[]>().notNull().default([]),
    holidays: jsonb("holidays").$type<HolidayCalendar>(),
    specialHours: jsonb("special_hours").$type<SpecialHours[]>().notNull().default([]),
    usesContactTimezone: boolean("uses_contact_timezone").notNull().default(false),
    spreadMinutes: integer("spread_minutes").notNull().default(15),
    isDefault: boolean("is_default").notNull().default(false),
    revision: revision(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    uniqueIndex("schedule_name_key").on(sql`lower(${t.name})`),
    uniqueIndex("schedule_default_key").on(t.isDefault).where(sql`${t.isDefault}`),
    check("schedule_spread_check", sql`${t.spreadMinutes} >= 0`),
  ],
);
