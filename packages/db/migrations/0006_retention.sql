ALTER TABLE "step_execution" DROP CONSTRAINT "step_execution_email_log_id_email_log_id_fk";
