import { sql } from "drizzle-orm";
import { boolean, check, index, integer, pgTable, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import { createdAt, id, instant, updatedAt } from "./columns.ts";
import { emailTemplate, schedule } from "./content.ts";
import { user } from "./people.ts";

export const emailSequence = pgTable(
  "email_sequence",
  {
    id: id(),
    name: text("name").notNull(),
    description: text("description").notNull().default(""),
    status: text("status", { enum: ["active", "paused", "archived"] })
      .notNull()
      .default("active"),
    scheduleId: uuid("schedule_id")
      .notNull()
      .references(() => schedule.id),
    /** What happens to people whose email has an outcome that cannot be known. */
    inDoubtPolicy: text("in_doubt_policy", { enum: ["advance", "hold"] })
      .notNull()
      .default("advance"),
    /** The version that new enrollments get. */
    currentVersionNumber: integer("current_version_number").notNull().default(1),
    createdBy: uuid("created_by").references(() => user.id),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    index("email_sequence_status_idx").on(t.status, t.createdAt),
    check("email_sequence_status_check", sql`${t.status} in ('active', 'paused', 'archived')`),
    check("email_sequence_in_doubt_policy_check", sql`${t.inDoubtPolicy} in ('advance', 'hold')`),
  ],
);

/** A frozen list of steps once somebody is enrolled in it; enrollments point at the version they walk through. */
export const sequenceVersion = pgTable(
  "sequence_version",
  {
    id: id(),
    sequenceId: uuid("sequence_id")
      .notNull()
      .references(() => emailSequence.id, { onDelete: "cascade" }),
    versionNumber: integer("version_number").notNull(),
    createdAt: createdAt(),
  },
  (t) => [uniqueIndex("sequence_version_number_key").on(t.sequenceId, t.versionNumber)],
);

export const sequenceStep = pgTable(
  "sequence_step",
  {
    id: id(),
    versionId: uuid("version_id")
      .notNull()
      .references(() => sequenceVersion.id, { onDelete: "cascade" }),
    stepNumber: integer("step_number").notNull(),
    name: text("name").notNull(),
    templateId: uuid("template_id")
      .notNull()
      .references(() => emailTemplate.id),
    delayValue: integer("delay_value").notNull(),
    delayUnit: text("delay_unit", { enum: ["minutes", "hours", "days", "business_days"] }).notNull(),
    isActive: boolean("is_active").notNull().default(true),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    uniqueIndex("sequence_step_number_key").on(t.versionId, t.stepNumber),
    index("sequence_step_template_idx").on(t.templateId),
    check("sequence_step_number_check", sql`${t.stepNumber} >= 1`),
    check("sequence_step_delay_check", sql`${t.delayValue} >= 0`),
  ],
);

/** Reserved by the first start: what was seeded once is not seeded again, even if somebody deletes it. */
export const installation = pgTable("installation", {
  id: id(),
  createdAt: createdAt(),
  sampleSeededAt: instant("sample_seeded_at"),
});
