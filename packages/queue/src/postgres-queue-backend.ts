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

/** How long a worker that could not fetch a job waits before it asks again. */
const pauseMilliseconds = 1_000;

/**
 * BullMQ's backend, whose workers ask again at once after any error but a refused connection: tables that are missing
 * or a database that takes no connections made an idle worker report 100 errors a second.
 */
class PausingPostgresQueueBackend extends PostgresQueueBackend {
  override async moveToActive(...args: Parameters<PostgresQueueBackend["moveToActive"]>) {
    try {
      return await super.moveToActive(...args);
    } catch (error) {
      await new Promise((resolve) => setTimeout(resolve, pauseMilliseconds));
      throw error;
    }
  }
}

/** Like BullMQ's createPostgresBackend, with these two. The pool stays the caller's: closing a queue keeps it open. */
export const createPatientPostgresBackend: BackendFactory<PostgresQueueBackend, PgPool> = (name, opts) =>
  new PausingPostgresQueueBackend(new RecoveringPostgresConnection(opts.connection), name, { ...opts });
