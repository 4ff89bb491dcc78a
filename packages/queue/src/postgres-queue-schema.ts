/**
 * The PostgreSQL schema BullMQ's own tables live in, apart from ours: `DROP SCHEMA bullmq CASCADE` and a new migration
 * lose nothing that `dripline rebuild-queue` cannot restore.
 */
export const postgresQueueSchema = "bullmq";
