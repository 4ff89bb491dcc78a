CREATE TABLE "delivery_backoff" (
	"scope" text PRIMARY KEY NOT NULL,
	"next_at" timestamp (3) with time zone NOT NULL,
	"suggested_at" timestamp (3) with time zone NOT NULL,
	"interval_seconds" double precision NOT NULL,
	"reason" text NOT NULL,
	"message" text NOT NULL,
	"since" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sweep_cursor" (
	"sweep" text PRIMARY KEY NOT NULL,
	"at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "email_sequence" DROP CONSTRAINT "email_sequence_in_doubt_policy_check";--> statement-breakpoint
ALTER TABLE "step_execution" ADD COLUMN "message_source" json;--> statement-breakpoint
ALTER TABLE "step_execution" ADD COLUMN "has_advanced" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "step_execution" ADD COLUMN "worker_losses" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "step_execution" ADD COLUMN "smtp_code" integer;--> statement-breakpoint
ALTER TABLE "step_execution" ADD COLUMN "enhanced_code" text;--> statement-breakpoint
ALTER TABLE "email_sequence" ADD CONSTRAINT "email_sequence_in_doubt_policy_check" CHECK ("email_sequence"."in_doubt_policy" in ('advance', 'resend', 'hold'));--> statement-breakpoint
CREATE INDEX "email_log_in_doubt_idx" ON "email_log" USING btree ("execution_id") WHERE "email_log"."outcome" = 'in_doubt';
--> statement-breakpoint
-- What is in doubt already, and whose enrollment has gone on since.
UPDATE "step_execution" e SET "has_advanced" = true FROM "sequence_enrollment" n
WHERE n."id" = e."enrollment_id" AND e."status" = 'in_doubt'
  AND (n."status" = 'completed' OR EXISTS (
    SELECT FROM "step_execution" y WHERE y."enrollment_id" = e."enrollment_id" AND y."created_at" > e."created_at"));
--> statement-breakpoint
-- What is at a mail server at this moment: its record is written from here. Sender and rendered subject are not known any
-- more, so no further copy is made from it.
UPDATE "step_execution" e SET "message_source" = json_build_object(
  'stepId', e."step_id", 'templateVersionId', tv."id", 'from', json_build_object('name', '', 'address', ''),
  'to', json_build_object('name', '', 'address', c."email"), 'subject', tv."subject",
  'variables', json_build_object('unsubscribe_url', ''), 'composedAt', e."updated_at")
FROM "sequence_enrollment" n, "contact" c, "sequence_step" st, "email_template" t, "email_template_version" tv
WHERE e."phase" = 'data' AND n."id" = e."enrollment_id" AND c."id" = n."contact_id" AND st."id" = e."step_id"
  AND t."id" = st."template_id" AND tv."template_id" = t."id" AND tv."version_number" = t."current_version_number";
