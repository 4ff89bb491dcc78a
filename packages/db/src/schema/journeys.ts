import { sql } from "drizzle-orm";
import { boolean, check, index, integer, json, jsonb, pgTable, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import type { MessageSource } from "../message-source.ts";
import { createdAt, id, instant, revision, updatedAt } from "./columns.ts";
import { emailTemplateVersion } from "./content.ts";
import { company, contact } from "./people.ts";
import { emailSequence, sequenceStep, sequenceVersion } from "./sequences.ts";

export const sequenceEnrollment = pgTable(
  "sequence_enrollment",
  {
    id: id(),
    sequenceId: uuid("sequence_id")
      .notNull()
      .references(() => emailSequence.id),
    versionId: uuid("version_id")
      .notNull()
      .references(() => sequenceVersion.id),
    contactId: uuid("contact_id")
      .notNull()
      .references(() => contact.id),
    companyId: uuid("company_id").references(() => company.id, { onDelete: "set null" }),
    status: text("status", { enum: ["active", "paused", "completed", "unsubscribed", "cancelled"] }).notNull(),
    endReason: text("end_reason"),
    enrolledAt: instant("enrolled_at").notNull(),
    startedAt: instant("started_at"),
    completedAt: instant("completed_at"),
    /** When it ended, in whichever way; the cool-down of a re-enrollment counts from here. */
    endedAt: instant("ended_at"),
    pausedAt: instant("paused_at"),
    /** Only while paused: when a sweep resumes it; null if somebody has to. */
    resumeAt: instant("resume_at"),
    currentStepNumber: integer("current_step_number").notNull().default(0),
    /** Keys of steps that an edit moved to before where this person stands, and that they had still to get. */
    owedStepKeys: uuid("owed_step_keys").array().notNull().default(sql`'{}'`),
    notes: text("notes").notNull().default(""),
    /** Goes up whenever notes or company are written, by a person or an arrow: what `If-Match` compares. */
    revision: revision(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    // Law: at most one live enrollment per (sequence, contact), whatever races.
    uniqueIndex("sequence_enrollment_live_key")
      .on(t.sequenceId, t.contactId)
      .where(sql`${t.status} in ('active', 'paused')`),
    index("sequence_enrollment_contact_idx").on(t.contactId, t.sequenceId),
    index("sequence_enrollment_status_idx").on(t.status, t.enrolledAt, t.id),
    index("sequence_enrollment_sequence_idx").on(t.sequenceId, t.status),
    index("sequence_enrollment_version_idx").on(t.versionId, t.status),
    index("sequence_enrollment_resume_idx").on(t.resumeAt).where(sql`${t.status} = 'paused'`),
    index("sequence_enrollment_enrolled_idx").on(t.enrolledAt, t.id),
    index("sequence_enrollment_sequence_enrolled_idx").on(t.sequenceId, t.enrolledAt, t.id),
    index("sequence_enrollment_company_idx").on(t.companyId),
    check(
      "sequence_enrollment_status_check",
      sql`${t.status} in ('active', 'paused', 'completed', 'unsubscribed', 'cancelled')`,
    ),
  ],
);

/** What was handed to an SMTP server, and what it answered. `response` is null when no answer came (in doubt). */
export const emailLog = pgTable(
  "email_log",
  {
    id: id(),
    executionId: uuid("execution_id"),
    /** Without a foreign key: every email would lock the one row of its sequence. Null in some rows of before this was kept. */
    sequenceId: uuid("sequence_id"),
    contactId: uuid("contact_id").references(() => contact.id, { onDelete: "set null" }),
    templateVersionId: uuid("template_version_id").references(() => emailTemplateVersion.id, { onDelete: "set null" }),
    messageId: text("message_id").notNull(),
    fromAddress: text("from_address").notNull(),
    toAddress: text("to_address").notNull(),
    subject: text("subject").notNull(),
    variables: jsonb("variables").$type<Record<string, unknown>>().notNull(),
    outcome: text("outcome", { enum: ["accepted", "in_doubt"] }).notNull(),
    response: text("response"),
    /** When the message was made, which is what "now" was in its template; null in rows of before this was kept. */
    composedAt: instant("composed_at"),
    sentAt: instant("sent_at").notNull(),
  },
  (t) => [
    index("email_log_message_id_idx").on(t.messageId),
    index("email_log_execution_idx").on(t.executionId),
    index("email_log_sent_idx").on(t.sentAt, t.id),
    index("email_log_sequence_idx").on(t.sequenceId, t.sentAt, t.id),
    index("email_log_contact_idx").on(t.contactId, t.sentAt, t.id),
    index("email_log_to_idx").on(sql`lower(${t.toAddress})`, t.sentAt, t.id),
    index("email_log_to_search_idx").using("gin", sql`${t.toAddress} gin_trgm_ops`),
    index("email_log_subject_search_idx").using("gin", sql`${t.subject} gin_trgm_ops`),
    index("email_log_in_doubt_idx").on(t.executionId).where(sql`${t.outcome} = 'in_doubt'`),
  ],
);

/** One row per (enrollment, step): the timer *and* the audit record. States and arrows: docs/states.md. */
export const stepExecution = pgTable(
  "step_execution",
  {
    id: id(),
    enrollmentId: uuid("enrollment_id")
      .notNull()
      .references(() => sequenceEnrollment.id),
    stepId: uuid("step_id")
      .notNull()
      .references(() => sequenceStep.id),
    /** `sequence_step.step_key`: at most one execution of a step per enrollment, whatever the version. */
    stepKey: uuid("step_key").notNull(),
    stepNumber: integer("step_number").notNull(),
    status: text("status", {
      enum: ["pending", "scheduled", "sending", "sent", "failed", "in_doubt", "skipped"],
    }).notNull(),
    /** Only while `sending`: `claimed` = nothing left this machine; `data` = the first body byte may have left. */
    phase: text("phase", { enum: ["claimed", "data"] }),
    /** Only while `pending`: why there is no timer. */
    holdReason: text("hold_reason"),
    /** Only while `pending`: when its clock stopped. What was left to wait then is left to wait after a pause. */
    heldAt: instant("held_at"),
    /** Where the delay counts from: the enrollment, or the end of the step before; moved by the time spent paused. */
    countsFrom: instant("counts_from").notNull(),
    /** `countsFrom` + delay, before any window moved it. */
    dueAt: instant("due_at").notNull(),
    /** The next moment at which it will be tried; kept as the record of the last plan once it is over. */
    scheduledFor: instant("scheduled_for").notNull(),
    /** The zone of the last plan, and whose it was: the contact's, the company's or the schedule's. */
    timezone: text("timezone"),
    timezoneSource: text("timezone_source", { enum: ["contact", "company", "schedule"] }),
    /** Was due already when a pause ended: part of a backlog, of which one person gets one email at a time. */
    catchesUp: boolean("catches_up").notNull().default(false),
    sentAt: instant("sent_at"),
    attemptCount: integer("attempt_count").notNull().default(0),
    /** Goes up at every claim and rescue. A wake-up or a worker that holds an older number is over. */
    generation: integer("generation").notNull().default(0),
    leaseUntil: instant("lease_until"),
    messageId: text("message_id"),
    /**
     * What the first attempt's message was made from, so that every further one has the same bytes. `json` keeps the order
     * of keys, which a template can see.
     */
    messageSource: json("message_source").$type<MessageSource>(),
    /** The enrollment has gone on from here: what becomes of this row now does not open the next step another time. */
    hasAdvanced: boolean("has_advanced").notNull().default(false),
    /** How many workers died with it in their hands since it was last let go on by a person. */
    workerLosses: integer("worker_losses").notNull().default(0),
    /** What the mail server answered last: the reply code (RFC 5321) and the enhanced one (RFC 3463). */
    smtpCode: integer("smtp_code"),
    enhancedCode: text("enhanced_code"),
    /** Without a foreign key: for every email in the log that is deleted, PostgreSQL would look through all executions. */
    emailLogId: uuid("email_log_id"),
    errorMessage: text("error_message"),
    /** When a sweep last put a wake-up into the queue for this row. */
    rescuedAt: instant("rescued_at"),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    uniqueIndex("step_execution_step_key_key").on(t.enrollmentId, t.stepKey),
    index("step_execution_due_idx").on(t.status, t.scheduledFor, t.id),
    index("step_execution_enrollment_idx").on(t.enrollmentId, t.status),
    index("step_execution_lease_idx").on(t.leaseUntil).where(sql`${t.status} = 'sending'`),
    index("step_execution_step_idx").on(t.stepId, t.status),
    index("step_execution_scheduled_idx").on(t.scheduledFor, t.id),
    index("step_execution_step_id_idx").on(t.stepId, t.id),
    index("step_execution_step_scheduled_idx").on(t.stepId, t.scheduledFor, t.id),
    index("step_execution_status_id_idx").on(t.status, t.id),
    index("step_execution_hold_idx").on(t.holdReason).where(sql`${t.status} = 'pending'`),
    check(
      "step_execution_status_check",
      sql`${t.status} in ('pending', 'scheduled', 'sending', 'sent', 'failed', 'in_doubt', 'skipped')`,
    ),
    check(
      "step_execution_sending_check",
      sql`(${t.status} = 'sending') = (${t.phase} is not null) and (${t.status} = 'sending') = (${t.leaseUntil} is not null)`,
    ),
    check("step_execution_hold_check", sql`(${t.status} = 'pending') = (${t.holdReason} is not null)`),
  ],
);

/** Append-only: every stop leaves a sentence that an operator can read. */
export const executionEvent = pgTable(
  "execution_event",
  {
    id: id(),
    executionId: uuid("execution_id")
      .notNull()
      .references(() => stepExecution.id, { onDelete: "cascade" }),
    at: instant("at").notNull(),
    kind: text("kind").notNull(),
    /** Stable, for machines: `outside_window`, `refused_4xx`, … */
    reason: text("reason").notNull(),
    message: text("message").notNull(),
    /** Who caused it: `worker`, `sweep`, or the principal of an API call or command. */
    actor: text("actor").notNull(),
  },
  (t) => [index("execution_event_execution_idx").on(t.executionId, t.at)],
);
