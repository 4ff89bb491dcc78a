import { findInstallation } from "../find-installation.ts";
import { showProgress } from "../show-progress.ts";
import { UserError } from "../user-error.ts";
import { withDatabase } from "../with-database.ts";

export interface RebuildQueueOptions {
  readonly json: boolean;
  readonly now: () => Date;
}

const repeatIt = "Then run rebuild-queue again: it starts over, and nothing is queued twice.";

/**
 * Gives everything that is scheduled its job again, in the queue that the settings name.
 * @throws UserError when the queue cannot be used, with what to do
 */
export async function rebuildQueueNow(
  env: NodeJS.ProcessEnv,
  directory: string,
  { json, now }: RebuildQueueOptions,
): Promise<void> {
  const { databaseUrl, redisUrl } = findInstallation(env, directory);
  const [{ openWakeQueue }, { rebuildQueue }] = await Promise.all([
    import("@dripline/queue/open-wake-queue"),
    import("@dripline/engine/rebuild-queue"),
  ]);
  const queue = openWakeQueue({ redisUrl, databaseUrl, now, role: "producer" });
  // Progress is for people who wait: what a script reads is the result alone.
  const { stderr } = process;
  const progress = showProgress({
    isTerminal: stderr.isTTY === true,
    write: (text) => (json ? undefined : stderr.write(text)),
  });
  try {
    const result = await withDatabase(databaseUrl, (db) =>
      rebuildQueue({ db, queue }, ({ queued, total }) => progress.show({ done: queued, total })),
    );
    progress.end();
    if (result.kind === "queue_unfit") throw new UserError([...result.problems, repeatIt].join("\n"));
    if (result.kind === "queue_lost") {
      const sentence = result.error instanceof Error ? result.error.message : String(result.error);
      throw new UserError(
        `The queue went away after ${result.queued} of ${result.total}: ${sentence}\nSee what doctor says of it. ${repeatIt}`,
        { cause: result.error },
      );
    }
    const { queued } = result;
    if (json) return console.log(JSON.stringify({ backend: queue.backend, queued }));
    console.log(
      `${queued} scheduled ${queued === 1 ? "email has its" : "emails have their"} job in the queue (${queue.backend}).`,
    );
  } finally {
    progress.end();
    await queue.close();
  }
}
