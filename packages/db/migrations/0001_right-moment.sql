CREATE TABLE "send_quota" (
	"scope" text NOT NULL,
	"day" date NOT NULL,
	"used" integer DEFAULT 0 NOT NULL,
	"booked" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "send_quota_scope_day_pk" PRIMARY KEY("scope","day")
);
--> statement-breakpoint
CREATE TABLE "send_rate" (
	"scope" text PRIMARY KEY NOT NULL,
	"next_at" timestamp (6) with time zone NOT NULL,
	"suggested_at" timestamp (6) with time zone NOT NULL
);
--> statement-breakpoint
DROP INDEX "step_execution_step_key";--> statement-breakpoint
DROP INDEX "sequence_enrollment_version_idx";--> statement-breakpoint
DROP INDEX "step_execution_step_idx";--> statement-breakpoint
ALTER TABLE "schedule" ADD COLUMN "holidays" jsonb;--> statement-breakpoint
ALTER TABLE "schedule" ADD COLUMN "special_hours" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "sequence_enrollment" ADD COLUMN "ended_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "sequence_enrollment" ADD COLUMN "paused_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "sequence_enrollment" ADD COLUMN "resume_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "step_execution" ADD COLUMN "step_key" uuid;--> statement-breakpoint
ALTER TABLE "sequence_enrollment" ADD COLUMN "owed_step_keys" uuid[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "step_execution" ADD COLUMN "catches_up" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "step_execution" ADD COLUMN "held_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "step_execution" ADD COLUMN "counts_from" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "step_execution" ADD COLUMN "timezone" text;--> statement-breakpoint
ALTER TABLE "step_execution" ADD COLUMN "timezone_source" text;--> statement-breakpoint
ALTER TABLE "contact" ADD COLUMN "email_gap_until" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "contact" ADD COLUMN "email_gap_execution_id" uuid;--> statement-breakpoint
ALTER TABLE "email_sequence" ADD COLUMN "sends_per_day_max" integer;--> statement-breakpoint
ALTER TABLE "email_sequence" ADD COLUMN "re_enrollment" text DEFAULT 'never' NOT NULL;--> statement-breakpoint
ALTER TABLE "email_sequence" ADD COLUMN "re_enrollment_cooldown" jsonb;--> statement-breakpoint
ALTER TABLE "email_sequence" ADD COLUMN "paused_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "email_sequence" ADD COLUMN "revision" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "sequence_step" ADD COLUMN "step_key" uuid;--> statement-breakpoint
ALTER TABLE "sequence_step" ADD COLUMN "max_lateness" jsonb;--> statement-breakpoint
ALTER TABLE "sequence_step" ADD COLUMN "late_policy" text DEFAULT 'send' NOT NULL;--> statement-breakpoint
ALTER TABLE "sequence_version" ADD COLUMN "published_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "sequence_version" ADD COLUMN "created_by" uuid;--> statement-breakpoint
ALTER TABLE "sequence_version" ADD CONSTRAINT "sequence_version_created_by_user_id_fk" FOREIGN KEY ("created_by") REFERENCES "public"."user"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
-- What exists already: each step is its own first version, each version is live, and a wait began with its row.
UPDATE "sequence_step" SET "step_key" = "id";--> statement-breakpoint
ALTER TABLE "sequence_step" ALTER COLUMN "step_key" SET NOT NULL;--> statement-breakpoint
UPDATE "sequence_version" SET "published_at" = "created_at";--> statement-breakpoint
UPDATE "step_execution" SET "step_key" = "step_id", "counts_from" = "created_at", "held_at" = CASE WHEN "status" = 'pending' THEN "updated_at" END;--> statement-breakpoint
ALTER TABLE "step_execution" ALTER COLUMN "step_key" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "step_execution" ALTER COLUMN "counts_from" SET NOT NULL;--> statement-breakpoint
UPDATE "sequence_enrollment" SET "ended_at" = coalesce("completed_at", "updated_at") WHERE "status" NOT IN ('active', 'paused');--> statement-breakpoint
UPDATE "sequence_enrollment" SET "paused_at" = "updated_at" WHERE "status" = 'paused';--> statement-breakpoint
UPDATE "email_sequence" SET "paused_at" = "updated_at" WHERE "status" = 'paused';--> statement-breakpoint
CREATE INDEX "sequence_enrollment_resume_idx" ON "sequence_enrollment" USING btree ("resume_at") WHERE "sequence_enrollment"."status" = 'paused';--> statement-breakpoint
CREATE UNIQUE INDEX "step_execution_step_key_key" ON "step_execution" USING btree ("enrollment_id","step_key");--> statement-breakpoint
CREATE INDEX "step_execution_hold_idx" ON "step_execution" USING btree ("hold_reason") WHERE "step_execution"."status" = 'pending';--> statement-breakpoint
CREATE UNIQUE INDEX "sequence_step_key_key" ON "sequence_step" USING btree ("version_id","step_key");--> statement-breakpoint
CREATE UNIQUE INDEX "sequence_version_draft_key" ON "sequence_version" USING btree ("sequence_id") WHERE "sequence_version"."published_at" is null;--> statement-breakpoint
CREATE INDEX "sequence_enrollment_version_idx" ON "sequence_enrollment" USING btree ("version_id","status");--> statement-breakpoint
CREATE INDEX "step_execution_step_idx" ON "step_execution" USING btree ("step_id","status");--> statement-breakpoint
ALTER TABLE "email_sequence" ADD CONSTRAINT "email_sequence_re_enrollment_check" CHECK ("email_sequence"."re_enrollment" in ('never', 'after_end'));--> statement-breakpoint
ALTER TABLE "email_sequence" ADD CONSTRAINT "email_sequence_sends_per_day_check" CHECK ("email_sequence"."sends_per_day_max" >= 1);--> statement-breakpoint
ALTER TABLE "sequence_step" ADD CONSTRAINT "sequence_step_late_policy_check" CHECK ("sequence_step"."late_policy" in ('send', 'skip', 'hold'));