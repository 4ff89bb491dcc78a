DROP INDEX "sequence_enrollment_sequence_id_idx";--> statement-breakpoint
DROP INDEX "sequence_enrollment_status_id_idx";--> statement-breakpoint
DROP INDEX "step_execution_sent_idx";--> statement-breakpoint
ALTER TABLE "api_key" ADD COLUMN "revision" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "email_log" ADD COLUMN "sequence_id" uuid;--> statement-breakpoint
UPDATE "email_log" l SET "sequence_id" = n."sequence_id"
FROM "step_execution" e JOIN "sequence_enrollment" n ON n."id" = e."enrollment_id"
WHERE e."id" = l."execution_id";--> statement-breakpoint
CREATE INDEX "email_log_sequence_idx" ON "email_log" USING btree ("sequence_id","sent_at","id");
