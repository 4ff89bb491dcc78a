import { describeSettlement } from "../describe-settlement.ts";
import { findInstallation } from "../find-installation.ts";
import { isUuid } from "../is-uuid.ts";
import { UserError } from "../user-error.ts";
import { withDatabase } from "../with-database.ts";

export interface SettleOptions {
  readonly ids: readonly string[];
  readonly sent: boolean;
  readonly resend: boolean;
  readonly all: boolean;
  /** How it was found out; goes into the record. */
  readonly note: string;
  readonly now: () => Date;
}

/** Says of emails in doubt that they arrived, or lets the same message be sent again: those with these ids, or all. */
export async function settle(env: NodeJS.ProcessEnv, directory: string, options: SettleOptions): Promise<void> {
  const { ids, sent, resend, all, note, now } = options;
  const notAnId = ids.find((id) => !isUuid(id));
  if (notAnId !== undefined) throw new UserError(`"${notAnId}" is not the id of an execution: see in-doubt.`);
  if (ids.length > 0 === all) throw new UserError("Say which: ids of executions, as in-doubt shows them, or --all.");
  if (sent === resend) throw new UserError("Say how: --sent if they arrived, or --resend to send them again.");

  const { databaseUrl, redisUrl, dayLengthMilliseconds } = findInstallation(env, directory);
  const [{ openWakeQueue }, { settleByOperator }, { REAL_PACE }] = await Promise.all([
    import("@dripline/queue/open-wake-queue"),
    import("@dripline/engine/settle-by-operator"),
    import("@dripline/domain/delay"),
  ]);
  const pace = dayLengthMilliseconds === undefined ? REAL_PACE : { dayMilliseconds: dayLengthMilliseconds };
  const queue = openWakeQueue({ redisUrl, databaseUrl, now, role: "producer" });
  try {
    const as = sent ? "sent" : "resend";
    const settlement = await withDatabase(databaseUrl, (db) =>
      settleByOperator({ db, queue, now: now(), pace, actor: "dripline settle" }, all ? "all" : { executionIds: ids }, {
        as,
        note,
      }),
    );
    console.log(describeSettlement(settlement, as));
  } finally {
    await queue.close();
  }
}
