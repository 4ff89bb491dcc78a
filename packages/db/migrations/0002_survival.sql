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
ALTER TABLE "step_execution" ADD COLUMN "message_source" jsonb;--> statement-breakpoint
ALTER TABLE "step_execution" ADD COLUMN "has_advanced" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "step_execution" ADD COLUMN "worker_losses" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "step_execution" ADD COLUMN "smtp_code" integer;--> statement-breakpoint
ALTER TABLE "step_execution" ADD COLUMN "enhanced_code" text;--> statement-breakpoint
ALTER TABLE "email_sequence" ADD CONSTRAINT "email_sequence_in_doubt_policy_check" CHECK ("email_sequence"."in_doubt_policy" in ('advance', 'resend', 'hold'));--> statement-breakpoint
-- What is in doubt already, and whose enrollment has gone on since.
UPDATE "step_execution" e SET "has_advanced" = true FROM "sequence_enrollment" n
WHERE n."id" = e."enrollment_id" AND e."status" = 'in_doubt'
  AND (n."status" = 'completed' OR EXISTS (
    SELECT FROM "step_execution" y WHERE y."enrollment_id" = e."enrollment_id" AND y."created_at" > e."created_at"));
