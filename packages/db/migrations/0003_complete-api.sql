CREATE TABLE "contact_import" (
	"id" uuid PRIMARY KEY NOT NULL,
	"status" text NOT NULL,
	"file_name" text DEFAULT '' NOT NULL,
	"options" jsonb NOT NULL,
	"layout" jsonb,
	"bytes_total" integer DEFAULT 0 NOT NULL,
	"rows_done" integer DEFAULT 0 NOT NULL,
	"rows_total" integer,
	"created" integer DEFAULT 0 NOT NULL,
	"updated" integer DEFAULT 0 NOT NULL,
	"skipped" integer DEFAULT 0 NOT NULL,
	"enrolled" integer DEFAULT 0 NOT NULL,
	"refused" integer DEFAULT 0 NOT NULL,
	"failed" integer DEFAULT 0 NOT NULL,
	"error_message" text,
	"lease_until" timestamp (3) with time zone,
	"principal" text NOT NULL,
	"created_by" uuid,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"started_at" timestamp (3) with time zone,
	"ended_at" timestamp (3) with time zone,
	CONSTRAINT "contact_import_status_check" CHECK ("contact_import"."status" in ('uploading', 'waiting', 'running', 'completed', 'failed', 'cancelled'))
);
--> statement-breakpoint
CREATE TABLE "contact_import_chunk" (
	"import_id" uuid NOT NULL,
	"number" integer NOT NULL,
	"bytes" "bytea" NOT NULL,
	CONSTRAINT "contact_import_chunk_import_id_number_pk" PRIMARY KEY("import_id","number")
);
--> statement-breakpoint
CREATE TABLE "contact_import_failure" (
	"import_id" uuid NOT NULL,
	"row_number" integer NOT NULL,
	"code" text NOT NULL,
	"message" text NOT NULL,
	"fields" jsonb NOT NULL,
	CONSTRAINT "contact_import_failure_import_id_row_number_pk" PRIMARY KEY("import_id","row_number")
);
--> statement-breakpoint
ALTER TABLE "email_template" ADD COLUMN "revision" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "schedule" ADD COLUMN "revision" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
-- A key of before there were scopes could do everything, and still can.
ALTER TABLE "api_key" ADD COLUMN "scopes" text[] DEFAULT '{admin}' NOT NULL;--> statement-breakpoint
ALTER TABLE "api_key" ALTER COLUMN "scopes" DROP DEFAULT;--> statement-breakpoint
ALTER TABLE "api_key" ADD COLUMN "requests_per_minute_max" integer;--> statement-breakpoint
ALTER TABLE "api_key" ADD COLUMN "last_used_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "sequence_enrollment" ADD COLUMN "revision" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "company" ADD COLUMN "revision" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "contact" ADD COLUMN "revision" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "user" ADD COLUMN "role" text DEFAULT 'viewer' NOT NULL;--> statement-breakpoint
ALTER TABLE "user" ADD COLUMN "deactivated_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "user" ADD COLUMN "revision" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "user" ADD COLUMN "updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "contact_import" ADD CONSTRAINT "contact_import_created_by_user_id_fk" FOREIGN KEY ("created_by") REFERENCES "public"."user"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "contact_import_chunk" ADD CONSTRAINT "contact_import_chunk_import_id_contact_import_id_fk" FOREIGN KEY ("import_id") REFERENCES "public"."contact_import"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "contact_import_failure" ADD CONSTRAINT "contact_import_failure_import_id_contact_import_id_fk" FOREIGN KEY ("import_id") REFERENCES "public"."contact_import"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "contact_import_open_idx" ON "contact_import" USING btree ("created_at") WHERE "contact_import"."status" in ('waiting', 'running');--> statement-breakpoint
CREATE INDEX "company_name_idx" ON "company" USING btree (lower("name"));--> statement-breakpoint
CREATE UNIQUE INDEX "api_key_prefix_key" ON "api_key" USING btree ("prefix");--> statement-breakpoint
ALTER TABLE "api_key" ADD CONSTRAINT "api_key_scopes_check" CHECK (cardinality("api_key"."scopes") > 0 and "api_key"."scopes" <@ '{read,enroll,write,admin}'::text[]);--> statement-breakpoint
ALTER TABLE "api_key" ADD CONSTRAINT "api_key_requests_check" CHECK ("api_key"."requests_per_minute_max" >= 1);--> statement-breakpoint
ALTER TABLE "user" ADD CONSTRAINT "user_role_check" CHECK ("user"."role" in ('admin', 'editor', 'viewer'));--> statement-breakpoint
ALTER TABLE "email_log" ADD COLUMN "composed_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "suppression" ADD COLUMN "revision" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
CREATE INDEX "email_log_contact_idx" ON "email_log" USING btree ("contact_id","sent_at","id");--> statement-breakpoint
CREATE INDEX "email_log_to_idx" ON "email_log" USING btree (lower("to_address"),"sent_at","id");--> statement-breakpoint
CREATE INDEX "suppression_created_idx" ON "suppression" USING btree ("created_at","id");--> statement-breakpoint
CREATE INDEX "audit_log_principal_idx" ON "audit_log" USING btree ("principal","at");--> statement-breakpoint
CREATE INDEX "audit_log_action_idx" ON "audit_log" USING btree ("action","at");--> statement-breakpoint
DROP INDEX "contact_company_idx";--> statement-breakpoint
CREATE INDEX "contact_company_idx" ON "contact" USING btree ("company_id","id");--> statement-breakpoint
DROP INDEX "sequence_enrollment_status_idx";--> statement-breakpoint
CREATE INDEX "sequence_enrollment_status_idx" ON "sequence_enrollment" USING btree ("status","enrolled_at","id");--> statement-breakpoint
CREATE INDEX "sequence_enrollment_sequence_id_idx" ON "sequence_enrollment" USING btree ("sequence_id","id");--> statement-breakpoint
DROP INDEX "step_execution_due_idx";--> statement-breakpoint
CREATE INDEX "step_execution_due_idx" ON "step_execution" USING btree ("status","scheduled_for","id");--> statement-breakpoint
CREATE INDEX "step_execution_step_id_idx" ON "step_execution" USING btree ("step_id","id");--> statement-breakpoint
CREATE INDEX "step_execution_step_scheduled_idx" ON "step_execution" USING btree ("step_id","scheduled_for","id");--> statement-breakpoint
CREATE INDEX "sequence_enrollment_sequence_enrolled_idx" ON "sequence_enrollment" USING btree ("sequence_id","enrolled_at","id");--> statement-breakpoint
CREATE INDEX "sequence_enrollment_status_id_idx" ON "sequence_enrollment" USING btree ("status","id");--> statement-breakpoint
CREATE INDEX "sequence_enrollment_company_idx" ON "sequence_enrollment" USING btree ("company_id");--> statement-breakpoint
CREATE INDEX "step_execution_scheduled_idx" ON "step_execution" USING btree ("scheduled_for","id");--> statement-breakpoint
CREATE INDEX "step_execution_sent_idx" ON "step_execution" USING btree ("sent_at","id") WHERE "step_execution"."sent_at" is not null;--> statement-breakpoint
CREATE INDEX "contact_created_idx" ON "contact" USING btree ("created_at","id");--> statement-breakpoint
CREATE INDEX "contact_opted_out_idx" ON "contact" USING btree ("id") WHERE "contact"."opted_out_at" is not null;--> statement-breakpoint
CREATE INDEX "company_created_idx" ON "company" USING btree ("created_at","id");--> statement-breakpoint
CREATE INDEX "suppression_reason_idx" ON "suppression" USING btree ("reason","created_at","id");--> statement-breakpoint
CREATE INDEX "step_execution_status_id_idx" ON "step_execution" USING btree ("status","id");--> statement-breakpoint
-- pg_trgm comes with PostgreSQL and the owner of a database may create it, but an installation can lack it (a package of its
-- own on some systems). Searches are right without these indexes, and slow; docs/performance.md says how to add them later.
DO $$
BEGIN
	CREATE EXTENSION IF NOT EXISTS pg_trgm;
	CREATE INDEX "contact_email_search_idx" ON "contact" USING gin ("email" gin_trgm_ops);
	CREATE INDEX "contact_name_search_idx" ON "contact" USING gin (("first_name" || ' ' || "last_name") gin_trgm_ops);
	CREATE INDEX "email_log_to_search_idx" ON "email_log" USING gin ("to_address" gin_trgm_ops);
	CREATE INDEX "email_log_subject_search_idx" ON "email_log" USING gin ("subject" gin_trgm_ops);
	CREATE INDEX "suppression_email_search_idx" ON "suppression" USING gin ("email" gin_trgm_ops);
	CREATE INDEX "suppression_note_search_idx" ON "suppression" USING gin ("note" gin_trgm_ops);
	CREATE INDEX "company_name_search_idx" ON "company" USING gin ("name" gin_trgm_ops);
EXCEPTION WHEN feature_not_supported OR undefined_file OR insufficient_privilege THEN
	RAISE WARNING 'The extension pg_trgm cannot be had here (%): searches will read whole tables.', SQLERRM;
END $$;
