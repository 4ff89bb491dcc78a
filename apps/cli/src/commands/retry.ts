import { findInstallation } from "../find-installation.ts";
import { isUuid } from "../is-uuid.ts";
import { UserError } from "../user-error.ts";
import { withDatabase } from "../with-database.ts";

export interface RetryOptions {
  readonly ids: readonly string[];
  readonly held: boolean;
  readonly failed: boolean;
  readonly now: () => Date;
}

/** Lets held or failed executions be tried again: those with these ids, or all that are held, or all that failed. */
export async function retry(env: NodeJS.ProcessEnv, directory: string, options: RetryOptions): Promise<void> {
  const { held, failed, now } = options;
  // As the database writes them, each once: what moved is told apart from what was left alone by its id.
  const ids = [...new Set(options.ids.map((id) => id.toLowerCase()))];
  const notAnId = ids.find((id) => !isUuid(id));
  if (notAnId !== undefined)
    throw new UserError(`"${notAnId}" is not the id of an execution: see due --dry-run --json.`);
  if ([ids.length > 0, held, failed].filter(Boolean).length !== 1) {
    throw new UserError("Say which: ids of executions, or --held, or --failed.");
  }

  const { databaseUrl, redisUrl } = findInstallation(env, directory);
  const [{ openWakeQueue }, { retryByOperator }] = await Promise.all([
    import("@dripline/queue/open-wake-queue"),
    import("@dripline/engine/retry-by-operator"),
  ]);
  const queue = openWakeQueue({ redisUrl, databaseUrl, now, role: "producer" });
  try {
    const moved = await withDatabase(databaseUrl, (db) =>
      retryByOperator(
        { db, queue, now: now(), actor: "dripline retry" },
        ids.length > 0 ? { executionIds: ids } : { status: held ? "pending" : "failed" },
      ),
    );
    console.log(`${moved.length} ${moved.length === 1 ? "execution is" : "executions are"} tried again now.`);
    const left = ids.filter((id) => !moved.includes(id));
    for (const id of left)
      console.log(
        `  ${id} was left alone: it is not held or failed, waits for a pause to end, or its enrollment has ended.`,
      );
  } finally {
    await queue.close();
  }
}
