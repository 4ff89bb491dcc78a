import { inTransaction } from "@dripline/db/database";
import { makeQuotaPruning } from "./prune-quotas.ts";
import { rescueLeases } from "./rescue-leases.ts";
import { resumePaused } from "./resume-paused.ts";
import type { SweepDeps } from "./sweep-deps.ts";
import { wakeUnwoken } from "./wake-unwoken.ts";

/** Any number that nobody else in this database uses for an advisory lock: "swee" in ASCII. */
const sweepLock = 0x73776565;

/** How many rows each sweep moved. */
export interface SweepFindings {
  readonly leases: number;
  readonly paused: number;
  readonly unwoken: number;
}

/**
 * Runs every sweep once, unless another worker is at it: one at a time is enough, and an advisory lock that ends with
 * its transaction cannot be left behind. Answers what each found, or undefined if another worker holds the lock.
 */
export async function sweepOnce(deps: SweepDeps): Promise<SweepFindings | undefined> {
  return inTransaction(deps.db, async (tx) => {
    const { rows } = await tx.query("select pg_try_advisory_xact_lock($1) as mine", [sweepLock]);
    if (rows[0].mine !== true) return undefined;
    const leases = await runSweep(deps, "leases", () => rescueLeases(deps));
    const paused = await runSweep(deps, "paused", () => resumePaused(deps));
    const unwoken = await runSweep(deps, "unwoken", async () => {
      await deps.queue.applySettings(); // a flushed Redis has lost them
      return wakeUnwoken(deps);
    });
    return { leases, paused, unwoken };
  });
}

/** One sweep that fails must not keep the others from what they are for. */
async function runSweep(deps: SweepDeps, sweep: string, run: () => Promise<number>): Promise<number> {
  if (deps.stopping.aborted) return 0; // left to another worker
  try {
    return await run();
  } catch (err) {
    deps.log.error({ err, sweep }, "a sweep failed; the next one tries again");
    return 0;
  }
}

export interface Sweeps {
  /** Starts no further sweep and waits for the one that runs. */
  stop(): Promise<void>;
}

/** Sweeps now and then again `intervalSeconds` after each end, until stopped. An error is logged and the next sweep tries again. */
export function startSweeps(deps: SweepDeps, intervalSeconds: number): Sweeps {
  const pruneQuotas = makeQuotaPruning(deps);
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running = sweep();

  async function sweep(): Promise<void> {
    try {
      const found = await sweepOnce(deps);
      if (found !== undefined && found.leases + found.paused + found.unwoken > 0)
        deps.log.info(found, "sweep found work");
      await runSweep(deps, "quotas", pruneQuotas);
    } catch (err) {
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
