import { inTransaction } from "@dripline/db/database";
import { promoteDistant } from "./promote-distant.ts";
import { pruneStoredAnswers } from "./prune-idempotency-keys.ts";
import { pruneQuotas } from "./prune-quotas.ts";
import { reapplyQueueSettings } from "./reapply-queue-settings.ts";
import { repairEnrollments } from "./repair-enrollments.ts";
import { rescueLeases } from "./rescue-leases.ts";
import { resumePaused } from "./resume-paused.ts";
import type { Sweep } from "./sweep.ts";
import type { SweepDeps } from "./sweep-deps.ts";
import { wakeUnwoken } from "./wake-unwoken.ts";

/** In their order: what the first ones let go is due, and the one that wakes finds it in the same round. */
const sweeps: readonly Sweep[] = [
  reapplyQueueSettings,
  rescueLeases,
  resumePaused,
  wakeUnwoken,
  promoteDistant,
  repairEnrollments,
  pruneQuotas,
  pruneStoredAnswers,
];

/** Any number that nobody else in this database uses for an advisory lock: "swee" in ASCII. */
const sweepLock = 0x73776565;

/** How many rows each sweep moved, by its name. One that failed is missing. */
export type SweepFindings = Readonly<Record<string, number>>;

/**
 * A worker that stands still in the middle of a sweep (a frozen machine, a cable) would keep everybody from sweeping: the
 * server ends a transaction that is silent for so long, and its lock with it. Two that sweep at once do no harm; this is
 * longer than a sweep takes as a rule, and as long as a dead worker's emails can wait.
 */
const lockIdleSecondsDefault = 60;

interface SweepOnceOptions {
  readonly which?: readonly Sweep[];
  readonly isDue?: (sweep: Sweep) => boolean;
  readonly lockIdleSeconds?: number;
}

/**
 * Runs every sweep once, unless another worker is at it: one at a time is enough, and an advisory lock that ends with
 * its transaction cannot be left behind. One sweep that fails does not keep the others from what they are for. Answers
 * what each found, or undefined if another worker holds the lock.
 */
export async function sweepOnce(
  deps: SweepDeps,
  { which = sweeps, isDue = () => true, lockIdleSeconds = lockIdleSecondsDefault }: SweepOnceOptions = {},
): Promise<SweepFindings | undefined> {
  return inTransaction(deps.db, async (tx) => {
    const { rows } = await tx.query("select pg_try_advisory_xact_lock($1) as mine", [sweepLock]);
    if (rows[0].mine !== true) return undefined;
    await tx.query(`set local idle_in_transaction_session_timeout = '${lockIdleSeconds}s'`);
    const findings: Record<string, number> = {};
    for (const sweep of which.filter(isDue)) {
      if (deps.stopping.aborted) break; // another worker goes on
      await tx.query("select"); // still here: each sweep may take that long
      try {
        const rows = await sweep.runOnce(deps);
        findings[sweep.name] = rows;
        deps.metrics.sweepFound(sweep.name, rows);
      } catch (err) {
        deps.metrics.sweepFailed(sweep.name);
        deps.log.error({ err, sweep: sweep.name }, "a sweep failed; the next one tries again");
      }
    }
    return findings;
  });
}

export interface Sweeps {
  /** Starts no further sweep and waits for the one that runs. */
  stop(): Promise<void>;
}

/** Sweeps now and then again `intervalSeconds` after each end, until stopped. An error is logged and the next sweep tries again. */
export function startSweeps(deps: SweepDeps, intervalSeconds: number): Sweeps {
  const isDue = makeTimetable(deps.now);
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running = sweep();

  async function sweep(): Promise<void> {
    try {
      const found = Object.entries((await sweepOnce(deps, { isDue })) ?? {}).filter(([, rows]) => rows > 0);
      if (found.length > 0) deps.log.info(Object.fromEntries(found), "sweep found work");
    } catch (err) {
      deps.metrics.sweepFailed("round");
      deps.log.error({ err }, "a sweep failed; the next one tries again");
    }
    if (isStopped) return;
    timer = setTimeout(() => {
      running = sweep();
    }, intervalSeconds * 1_000);
  }

  return {
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}

/** Answers whether a sweep is to run in this round, and takes it that it does. */
export function makeTimetable(now: () => Date): (sweep: Sweep) => boolean {
  const ranAt = new Map<string, number>();
  return ({ name, everySeconds = 0 }) => {
    const at = now().getTime();
    if (at < (ranAt.get(name) ?? -Infinity) + everySeconds * 1_000) return false;
    ranAt.set(name, at);
    return true;
  };
}
