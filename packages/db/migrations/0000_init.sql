CREATE TABLE "email_template" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"current_version_number" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "email_template_version" (
	"id" uuid PRIMARY KEY NOT NULL,
	"template_id" uuid NOT NULL,
	"version_number" integer NOT NULL,
	"subject" text NOT NULL,
	"mjml" text NOT NULL,
	"html" text NOT NULL,
	"text" text NOT NULL,
	"variables" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"created_by" uuid,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "schedule" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"timezone" text NOT NULL,
	"windows" jsonb NOT NULL,
	"closed_dates" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"uses_contact_timezone" boolean DEFAULT false NOT NULL,
	"spread_minutes" integer DEFAULT 15 NOT NULL,
	"is_default" boolean DEFAULT false NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "schedule_spread_check" CHECK ("schedule"."spread_minutes" >= 0)
);
--> statement-breakpoint
CREATE TABLE "email_log" (
	"id" uuid PRIMARY KEY NOT NULL,
	"execution_id" uuid,
	"contact_id" uuid,
	"template_version_id" uuid,
	"message_id" text NOT NULL,
	"from_address" text NOT NULL,
	"to_address" text NOT NULL,
	"subject" text NOT NULL,
	"variables" jsonb NOT NULL,
	"outcome" text NOT NULL,
	"response" text,
	"sent_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "execution_event" (
	"id" uuid PRIMARY KEY NOT NULL,
	"execution_id" uuid NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"kind" text NOT NULL,
	"reason" text NOT NULL,
	"message" text NOT NULL,
	"actor" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sequence_enrollment" (
	"id" uuid PRIMARY KEY NOT NULL,
	"sequence_id" uuid NOT NULL,
	"version_id" uuid NOT NULL,
	"contact_id" uuid NOT NULL,
	"company_id" uuid,
	"status" text NOT NULL,
	"end_reason" text,
	"enrolled_at" timestamp (3) with time zone NOT NULL,
	"started_at" timestamp (3) with time zone,
	"completed_at" timestamp (3) with time zone,
	"current_step_number" integer DEFAULT 0 NOT NULL,
	"notes" text DEFAULT '' NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "sequence_enrollment_status_check" CHECK ("sequence_enrollment"."status" in ('active', 'paused', 'completed', 'unsubscribed', 'cancelled'))
);
--> statement-breakpoint
CREATE TABLE "step_execution" (
	"id" uuid PRIMARY KEY NOT NULL,
	"enrollment_id" uuid NOT NULL,
	"step_id" uuid NOT NULL,
	"step_number" integer NOT NULL,
	"status" text NOT NULL,
	"phase" text,
	"hold_reason" text,
	"due_at" timestamp (3) with time zone NOT NULL,
	"scheduled_for" timestamp (3) with time zone NOT NULL,
	"sent_at" timestamp (3) with time zone,
	"attempt_count" integer DEFAULT 0 NOT NULL,
	"generation" integer DEFAULT 0 NOT NULL,
	"lease_until" timestamp (3) with time zone,
	"message_id" text,
	"email_log_id" uuid,
	"error_message" text,
	"rescued_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "step_execution_status_check" CHECK ("step_execution"."status" in ('pending', 'scheduled', 'sending', 'sent', 'failed', 'in_doubt', 'skipped')),
	CONSTRAINT "step_execution_sending_check" CHECK (("step_execution"."status" = 'sending') = ("step_execution"."phase" is not null) and ("step_execution"."status" = 'sending') = ("step_execution"."lease_until" is not null)),
	CONSTRAINT "step_execution_hold_check" CHECK (("step_execution"."status" = 'pending') = ("step_execution"."hold_reason" is not null))
);
--> statement-breakpoint
CREATE TABLE "api_key" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"prefix" text NOT NULL,
	"key_hash" text NOT NULL,
	"user_id" uuid,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone,
	"revoked_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "company" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"timezone" text,
	"country" text,
	"attributes" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "contact" (
	"id" uuid PRIMARY KEY NOT NULL,
	"email" text NOT NULL,
	"first_name" text DEFAULT '' NOT NULL,
	"last_name" text DEFAULT '' NOT NULL,
	"company_id" uuid,
	"timezone" text,
	"country" text,
	"attributes" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"opted_out_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "suppression" (
	"id" uuid PRIMARY KEY NOT NULL,
	"email" text NOT NULL,
	"reason" text NOT NULL,
	"note" text DEFAULT '' NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "user" (
	"id" uuid PRIMARY KEY NOT NULL,
	"email" text NOT NULL,
	"name" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "audit_log" (
	"id" uuid PRIMARY KEY NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"principal" text NOT NULL,
	"action" text NOT NULL,
	"object_type" text NOT NULL,
	"object_id" text NOT NULL,
	"request_id" text,
	"data" jsonb DEFAULT '{}'::jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "idempotency_key" (
	"principal" text NOT NULL,
	"key" text NOT NULL,
	"request_hash" text NOT NULL,
	"status_code" integer NOT NULL,
	"body" jsonb,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "idempotency_key_principal_key_pk" PRIMARY KEY("principal","key")
);
--> statement-breakpoint
CREATE TABLE "email_sequence" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"description" text DEFAULT '' NOT NULL,
	"status" text DEFAULT 'active' NOT NULL,
	"schedule_id" uuid NOT NULL,
	"in_doubt_policy" text DEFAULT 'advance' NOT NULL,
	"current_version_number" integer DEFAULT 1 NOT NULL,
	"created_by" uuid,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "email_sequence_status_check" CHECK ("email_sequence"."status" in ('active', 'paused', 'archived')),
	CONSTRAINT "email_sequence_in_doubt_policy_check" CHECK ("email_sequence"."in_doubt_policy" in ('advance', 'hold'))
);
--> statement-breakpoint
CREATE TABLE "installation" (
	"id" uuid PRIMARY KEY NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"sample_seeded_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "sequence_step" (
	"id" uuid PRIMARY KEY NOT NULL,
	"version_id" uuid NOT NULL,
	"step_number" integer NOT NULL,
	"name" text NOT NULL,
	"template_id" uuid NOT NULL,
	"delay_value" integer NOT NULL,
	"delay_unit" text NOT NULL,
	"is_active" boolean DEFAULT true NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "sequence_step_number_check" CHECK ("sequence_step"."step_number" >= 1),
	CONSTRAINT "sequence_step_delay_check" CHECK ("sequence_step"."delay_value" >= 0)
);
--> statement-breakpoint
CREATE TABLE "sequence_version" (
	"id" uuid PRIMARY KEY NOT NULL,
	"sequence_id" uuid NOT NULL,
	"version_number" integer NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "email_template_version" ADD CONSTRAINT "email_template_version_template_id_email_template_id_fk" FOREIGN KEY ("template_id") REFERENCES "public"."email_template"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "email_template_version" ADD CONSTRAINT "email_template_version_created_by_user_id_fk" FOREIGN KEY ("created_by") REFERENCES "public"."user"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "email_log" ADD CONSTRAINT "email_log_contact_id_contact_id_fk" FOREIGN KEY ("contact_id") REFERENCES "public"."contact"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "email_log" ADD CONSTRAINT "email_log_template_version_id_email_template_version_id_fk" FOREIGN KEY ("template_version_id") REFERENCES "public"."email_template_version"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "execution_event" ADD CONSTRAINT "execution_event_execution_id_step_execution_id_fk" FOREIGN KEY ("execution_id") REFERENCES "public"."step_execution"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sequence_enrollment" ADD CONSTRAINT "sequence_enrollment_sequence_id_email_sequence_id_fk" FOREIGN KEY ("sequence_id") REFERENCES "public"."email_sequence"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sequence_enrollment" ADD CONSTRAINT "sequence_enrollment_version_id_sequence_version_id_fk" FOREIGN KEY ("version_id") REFERENCES "public"."sequence_version"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sequence_enrollment" ADD CONSTRAINT "sequence_enrollment_contact_id_contact_id_fk" FOREIGN KEY ("contact_id") REFERENCES "public"."contact"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sequence_enrollment" ADD CONSTRAINT "sequence_enrollment_company_id_company_id_fk" FOREIGN KEY ("company_id") REFERENCES "public"."company"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "step_execution" ADD CONSTRAINT "step_execution_enrollment_id_sequence_enrollment_id_fk" FOREIGN KEY ("enrollment_id") REFERENCES "public"."sequence_enrollment"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "step_execution" ADD CONSTRAINT "step_execution_step_id_sequence_step_id_fk" FOREIGN KEY ("step_id") REFERENCES "public"."sequence_step"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "step_execution" ADD CONSTRAINT "step_execution_email_log_id_email_log_id_fk" FOREIGN KEY ("email_log_id") REFERENCES "public"."email_log"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "api_key" ADD CONSTRAINT "api_key_user_id_user_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."user"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "contact" ADD CONSTRAINT "contact_company_id_company_id_fk" FOREIGN KEY ("company_id") REFERENCES "public"."company"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "email_sequence" ADD CONSTRAINT "email_sequence_schedule_id_schedule_id_fk" FOREIGN KEY ("schedule_id") REFERENCES "public"."schedule"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "email_sequence" ADD CONSTRAINT "email_sequence_created_by_user_id_fk" FOREIGN KEY ("created_by") REFERENCES "public"."user"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sequence_step" ADD CONSTRAINT "sequence_step_version_id_sequence_version_id_fk" FOREIGN KEY ("version_id") REFERENCES "public"."sequence_version"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sequence_step" ADD CONSTRAINT "sequence_step_template_id_email_template_id_fk" FOREIGN KEY ("template_id") REFERENCES "public"."email_template"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sequence_version" ADD CONSTRAINT "sequence_version_sequence_id_email_sequence_id_fk" FOREIGN KEY ("sequence_id") REFERENCES "public"."email_sequence"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "email_template_name_key" ON "email_template" USING btree (lower("name"));--> statement-breakpoint
CREATE UNIQUE INDEX "email_template_version_number_key" ON "email_template_version" USING btree ("template_id","version_number");--> statement-breakpoint
CREATE UNIQUE INDEX "schedule_name_key" ON "schedule" USING btree (lower("name"));--> statement-breakpoint
CREATE UNIQUE INDEX "schedule_default_key" ON "schedule" USING btree ("is_default") WHERE "schedule"."is_default";--> statement-breakpoint
CREATE INDEX "email_log_message_id_idx" ON "email_log" USING btree ("message_id");--> statement-breakpoint
CREATE INDEX "email_log_execution_idx" ON "email_log" USING btree ("execution_id");--> statement-breakpoint
CREATE INDEX "email_log_sent_idx" ON "email_log" USING btree ("sent_at","id");--> statement-breakpoint
CREATE INDEX "execution_event_execution_idx" ON "execution_event" USING btree ("execution_id","at");--> statement-breakpoint
CREATE UNIQUE INDEX "sequence_enrollment_live_key" ON "sequence_enrollment" USING btree ("sequence_id","contact_id") WHERE "sequence_enrollment"."status" in ('active', 'paused');--> statement-breakpoint
CREATE INDEX "sequence_enrollment_contact_idx" ON "sequence_enrollment" USING btree ("contact_id","sequence_id");--> statement-breakpoint
CREATE INDEX "sequence_enrollment_status_idx" ON "sequence_enrollment" USING btree ("status","enrolled_at");--> statement-breakpoint
CREATE INDEX "sequence_enrollment_sequence_idx" ON "sequence_enrollment" USING btree ("sequence_id","status");--> statement-breakpoint
CREATE INDEX "sequence_enrollment_version_idx" ON "sequence_enrollment" USING btree ("version_id");--> statement-breakpoint
CREATE INDEX "sequence_enrollment_enrolled_idx" ON "sequence_enrollment" USING btree ("enrolled_at","id");--> statement-breakpoint
CREATE UNIQUE INDEX "step_execution_step_key" ON "step_execution" USING btree ("enrollment_id","step_id");--> statement-breakpoint
CREATE INDEX "step_execution_due_idx" ON "step_execution" USING btree ("status","scheduled_for");--> statement-breakpoint
CREATE INDEX "step_execution_enrollment_idx" ON "step_execution" USING btree ("enrollment_id","status");--> statement-breakpoint
CREATE INDEX "step_execution_lease_idx" ON "step_execution" USING btree ("lease_until") WHERE "step_execution"."status" = 'sending';--> statement-breakpoint
CREATE INDEX "step_execution_step_idx" ON "step_execution" USING btree ("step_id");--> statement-breakpoint
CREATE UNIQUE INDEX "api_key_hash_key" ON "api_key" USING btree ("key_hash");--> statement-breakpoint
CREATE UNIQUE INDEX "contact_email_key" ON "contact" USING btree (lower("email"));--> statement-breakpoint
CREATE INDEX "contact_company_idx" ON "contact" USING btree ("company_id");--> statement-breakpoint
CREATE UNIQUE INDEX "suppression_email_key" ON "suppression" USING btree (lower("email"));--> statement-breakpoint
CREATE UNIQUE INDEX "user_email_key" ON "user" USING btree (lower("email"));--> statement-breakpoint
CREATE INDEX "audit_log_at_idx" ON "audit_log" USING btree ("at");--> statement-breakpoint
CREATE INDEX "audit_log_object_idx" ON "audit_log" USING btree ("object_type","object_id");--> statement-breakpoint
CREATE INDEX "idempotency_key_created_idx" ON "idempotency_key" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "email_sequence_status_idx" ON "email_sequence" USING btree ("status","created_at");--> statement-breakpoint
CREATE UNIQUE INDEX "sequence_step_number_key" ON "sequence_step" USING btree ("version_id","step_number");--> statement-breakpoint
CREATE INDEX "sequence_step_template_idx" ON "sequence_step" USING btree ("template_id");--> statement-breakpoint
CREATE UNIQUE INDEX "sequence_version_number_key" ON "sequence_version" USING btree ("sequence_id","version_number");