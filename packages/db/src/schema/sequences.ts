import type { Elapsed } from "@dripline/domain/elapsed";
import { sql } from "drizzle-orm";
import { boolean, check, index, integer, jsonb, pgTable, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
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
    inDoubtPolicy: text("in_doubt_policy", { enum: ["advance", "resend", "hold"] })
      .notNull()
      .default("advance"),
    /** At most so many emails of this sequence a day, counted in its schedule's zone; null for no limit. */
    sendsPerDayMax: integer("sends_per_day_max"),
    /** Whether somebody whose enrollment has ended may be enrolled again, and how long after its end. */
    reEnrollment: text("re_enrollment", { enum: ["never", "after_end"] })
      .notNull()
      .default("never"),
    reEnrollmentCooldown: jsonb("re_enrollment_cooldown").$type<Elapsed>(),
    pausedAt: instant("paused_at"),
    /** Goes up with every edit of the sequence, its draft or its steps: what `If-Match` compares. */
    revision: integer("revision").notNull().default(1),
    /** The version that new enrollments get. */
    currentVersionNumber: integer("current_version_number").notNull().default(1),
    createdBy: uuid("created_by").references(() => user.id),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    index("email_sequence_status_idx").on(t.status, t.createdAt),
    check("email_sequence_status_check", sql`${t.status} in ('active', 'paused', 'archived')`),
    check("email_sequence_re_enrollment_check", sql`${t.reEnrollment} in ('never', 'after_end')`),
    check("email_sequence_sends_per_day_check", sql`${t.sendsPerDayMax} >= 1`),
    check("email_sequence_in_doubt_policy_check", sql`${t.inDoubtPolicy} in ('advance', 'resend', 'hold')`),
  ],
);

/**
 * A list of steps; enrollments point at the version they walk through. Editable while it is a draft (not published), or
 * while nobody was ever enrolled in it; frozen after that.
 */
export const sequenceVersion = pgTable(
  "sequence_version",
  {
    id: id(),
    sequenceId: uuid("sequence_id")
      .notNull()
      .references(() => emailSequence.id, { onDelete: "cascade" }),
    versionNumber: integer("version_number").notNull(),
    /** null: a draft. A sequence has one at most. */
    publishedAt: instant("published_at"),
    createdBy: uuid("created_by").references(() => user.id),
    createdAt: createdAt(),
  },
  (t) => [
    uniqueIndex("sequence_version_number_key").on(t.sequenceId, t.versionNumber),
    uniqueIndex("sequence_version_draft_key").on(t.sequenceId).where(sql`${t.publishedAt} is null`),
  ],
);

export const sequenceStep = pgTable(
  "sequence_step",
  {
    id: id(),
    versionId: uuid("version_id")
      .notNull()
      .references(() => sequenceVersion.id, { onDelete: "cascade" }),
    /** The same step in every version that has it: where people stand, and what they have had, is told by it. */
    stepKey: uuid("step_key").notNull(),
    stepNumber: integer("step_number").notNull(),
    name: text("name").notNull(),
    templateId: uuid("template_id")
      .notNull()
      .references(() => emailTemplate.id),
    delayValue: integer("delay_value").notNull(),
    delayUnit: text("delay_unit", { enum: ["minutes", "hours", "days", "business_days"] }).notNull(),
    /** Beyond this lateness `latePolicy` decides; null: any lateness is fine. */
    maxLateness: jsonb("max_lateness").$type<Elapsed>(),
    latePolicy: text("late_policy", { enum: ["send", "skip", "hold"] })
      .notNull()
      .default("send"),
    isActive: boolean("is_active").notNull().default(true),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    uniqueIndex("sequence_step_number_key").on(t.versionId, t.stepNumber),
    uniqueIndex("sequence_step_key_key").on(t.versionId, t.stepKey),
    index("sequence_step_template_idx").on(t.templateId),
    check("sequence_step_number_check", sql`${t.stepNumber} >= 1`),
    check("sequence_step_late_policy_check", sql`${t.latePolicy} in ('send', 'skip', 'hold')`),
    check("sequence_step_delay_check", sql`${t.delayValue} >= 0`),
  ],
);

/** Reserved by the first start: what was seeded once is not seeded again, even if somebody deletes it. */
export const installation = pgTable("installation", {
  id: id(),
  createdAt: createdAt(),
  sampleSeededAt: instant("sample_seeded_at"),
});
