import type { PgPool } from "bullmq";
import { assertSchemaCompatibility, type BackendFactory, PostgresConnection, PostgresQueueBackend } from "bullmq";
import { postgresQueueSchema } from "./postgres-queue-schema.ts";

/**
 * BullMQ's connection with two changes.
 *
 * It does not remember for ever that the server could not be reached the first time, as BullMQ's own does.
 *
 * And it never claims that a lost LISTEN connection is noticed at once, so an idle worker looks for jobs every 10
 * seconds instead of every hour: a notification that got lost must not delay an email that long.
 */
class RecoveringPostgresConnection extends PostgresConnection {
  #ready: Promise<void> | undefined;

  override waitUntilReady(): Promise<void> {
    this.#ready ??= this.#assertReady();
    return this.#ready;
  }

  override get hasListenClientKeepAlive(): boolean {
    return false;
  }

  async #assertReady(): Promise<void> {
    try {
      await assertSchemaCompatibility(this.pool, postgresQueueSchema);
    } catch (error) {
      this.#ready = undefined;
      throw error;
    }
  }
}

/** Like BullMQ's createPostgresBackend, on such a connection. The pool stays the caller's: closing a queue keeps it open. */
export const createRecoveringPostgresBackend: BackendFactory<PostgresQueueBackend, PgPool> = (name, opts) =>
  new PostgresQueueBackend(new RecoveringPostgresConnection(opts.connection), name, { ...opts });
