CREATE TABLE "adoption" (
	"id" uuid PRIMARY KEY NOT NULL,
	"database_oid" "oid" NOT NULL,
	"table_oid" "oid" NOT NULL,
	"row_xid" "xid" NOT NULL,
	"database_name" text NOT NULL,
	"public_origin" text,
	"adopted_at" timestamp (3) with time zone NOT NULL,
	"adopted_by" text NOT NULL
);
--> statement-breakpoint
-- The database in which this migration runs is the original: new, or of before there was a fence.
INSERT INTO "adoption" ("id", "database_oid", "table_oid", "row_xid", "database_name", "adopted_at", "adopted_by")
SELECT gen_random_uuid(), d.oid, '"adoption"'::regclass::oid, pg_current_xact_id()::xid, d.datname, now(), 'dripline migrate'
FROM pg_database d WHERE d.datname = current_database();
