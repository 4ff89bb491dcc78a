import { setTimeout as wait } from "node:timers/promises";
import { readClockSkew } from "@dripline/db/clock-skew";
import { type Database, isDatabaseUnavailable } from "@dripline/db/database";
import { explainDatabaseError } from "@dripline/db/explain-database-error";
import { migrationState } from "@dripline/db/migration-state";
import type { WakeQueue } from "@dripline/queue/wake-queue";
import { judgeClock, judgeMigrations, judgeQueue } from "./judge-start.ts";

export interface StartNeeds {
  readonly database: Database;
  readonly databaseUrl: string;
  readonly queue: Pick<WakeQueue, "check">;
  /** A worker can do nothing without the queue; enrolling goes on without it. */
  readonly isQueueAwaited: boolean;
  /** This machine's clock, which is what is judged. */
  readonly now: () => Date;
  readonly log: { warn(fields: object, message: string): void };
  /** Told what is waited for, as a sentence, whenever that was looked at. */
  readonly onWait: (what: string) => void;
  /** Ends the wait. */
  readonly signal: AbortSignal;
}

export type StartVerdict =
  | { readonly kind: "sound" }
  /** Sentences, each with what to do. */
  | { readonly kind: "refused"; readonly problems: readonly string[] }
  /** Told to stop while it waited. */
  | { readonly kind: "stopped" };

type Look = Exclude<StartVerdict, { kind: "stopped" }> | { readonly kind: "away"; readonly what: string };

const pauseMilliseconds = 500;
/** Whoever looks into the log later should see that it still waits; whoever looks now should not drown. */
const turnsBetweenWords = 20;

/**
 * Looks at everything that must be right before a process may work: a database of exactly this version, its clock, a
 * queue that loses nothing. What cannot be reached is waited for, because in a deployment everything starts at once;
 * what is there and wrong is refused, because it does not get right by waiting.
 *
 * @throws what nobody foresaw
 */
export async function requireSoundStart(needs: StartNeeds): Promise<StartVerdict> {
  let said: string | undefined;
  for (let turn = 0; !needs.signal.aborted; turn += 1) {
    const look = await lookOnce(needs);
    if (needs.signal.aborted) break;
    if (look.kind !== "away") return look;
    needs.onWait(look.what);
    if (look.what !== said || turn % turnsBetweenWords === 0) needs.log.warn({}, `waiting: ${look.what}`);
    said = look.what;
    await wait(pauseMilliseconds, undefined, { signal: needs.signal }).catch(() => {});
  }
  return { kind: "stopped" };
}

async function lookOnce(needs: StartNeeds): Promise<Look> {
  const database = await lookAtDatabase(needs);
  if (database.kind !== "sound") return database;
  const health = await needs.queue.check();
  const problems = judgeQueue(health);
  if (problems.length > 0) return { kind: "refused", problems };
  if (health.isReachable) return { kind: "sound" };
  const what = health.problems.join(" ");
  if (needs.isQueueAwaited) return { kind: "away", what };
  needs.log.warn({}, `starting without the queue: ${what}`);
  return { kind: "sound" };
}

async function lookAtDatabase({ database, databaseUrl, now }: StartNeeds): Promise<Look> {
  try {
    const migrations = judgeMigrations(await migrationState(database)); // and a connection is open from here on
    const clock = judgeClock(await readClockSkew(database, now));
    const problems = [migrations, clock].filter((problem) => problem !== undefined);
    return problems.length === 0 ? { kind: "sound" } : { kind: "refused", problems };
  } catch (error) {
    const sentence = explainDatabaseError(error, databaseUrl);
    if (isDatabaseUnavailable(error)) return { kind: "away", what: sentence ?? (error as Error).message };
    if (sentence === undefined) throw error;
    return { kind: "refused", problems: [sentence] };
  }
}
