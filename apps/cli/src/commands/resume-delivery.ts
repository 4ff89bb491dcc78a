import { findInstallation } from "../find-installation.ts";
import { UserError } from "../user-error.ts";
import { withDatabase } from "../with-database.ts";

export interface ResumeDeliveryOptions {
  /** `transport`, or `domain:example.com`. */
  readonly scope: string | undefined;
  readonly all: boolean;
  readonly now: () => Date;
  readonly print: (line: string) => void;
}

/** Lets emails leave as usual again, after what a mail server had refused was put right. */
export async function resumeDelivery(
  env: NodeJS.ProcessEnv,
  directory: string,
  { scope = "transport", all, now, print }: ResumeDeliveryOptions,
): Promise<void> {
  if (!/^(transport|domain:[^\s@]+)$/i.test(scope)) {
    throw new UserError(`"${scope}" cannot be slowed down. Write transport, or domain:example.com; doctor lists them.`);
  }
  const { databaseUrl, redisUrl } = findInstallation(env, directory);
  const [{ openWakeQueue }, { resumeDeliveryByOperator }] = await Promise.all([
    import("@dripline/queue/open-wake-queue"),
    import("@dripline/engine/resume-delivery-by-operator"),
  ]);
  const queue = openWakeQueue({ redisUrl, databaseUrl, now, role: "producer" });
  try {
    const { scopes, executions } = await withDatabase(databaseUrl, (db) =>
      resumeDeliveryByOperator(
        { db, queue, now: now(), actor: "dripline resume-delivery" },
        all ? "all" : [scope.toLowerCase()],
      ),
    );
    if (scopes.length === 0) return print(all ? "Nothing is slowed down." : `${scope} is not slowed down.`);
    print(`As usual again: ${scopes.join(", ")}.`);
    print(`${executions} ${executions === 1 ? "execution that waited goes" : "executions that waited go"} on now.`);
  } finally {
    await queue.close();
  }
}
