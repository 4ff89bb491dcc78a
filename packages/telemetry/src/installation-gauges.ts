import { type MetricRegistry, makeCounter, makeGauge } from "./instruments.ts";
import type { MetricName } from "./metric-catalogue.ts";
import { readRarely } from "./read-rarely.ts";

export interface InstallationSources {
  readonly readState: () => Promise<InstallationGauges>;
  /** Jobs by state. */
  readonly countJobs: () => Promise<Readonly<Record<string, number>>>;
  /** Milliseconds that only go up. */
  readonly monotonic: () => number;
}

/** Sweeps look every five seconds as well; a scraper as a rule every fifteen. */
const seconds = 5;

const gaugesOfState = {
  dripline_due_backlog: "dueBacklog",
  dripline_oldest_due_age_seconds: "oldestDueSeconds",
  dripline_in_doubt_open: "inDoubtOpen",
  dripline_held: "held",
  dripline_failed: "failed",
  dripline_delivery_paused: "pausedScopes",
  dripline_fence_closed: "fenceClosed",
} as const satisfies Partial<Record<MetricName, string>>;

/** What the gauges show; `fenceClosed` is 1 if no email may leave from this database for this process, else 0. */
export type InstallationGauges = Readonly<Record<(typeof gaugesOfState)[keyof typeof gaugesOfState], number>>;

/**
 * Gauges of the installation: read when somebody scrapes, at most once in five seconds. While the database or the queue
 * cannot be asked, their gauges are left out and the failure is counted; what is old is never shown as if it were now.
 */
export function watchInstallation(
  metrics: MetricRegistry,
  { readState, countJobs, monotonic }: InstallationSources,
): void {
  const failures = makeCounter(metrics, "dripline_metrics_read_failures_total", async () => {
    await Promise.all([state(), jobs()]); // a failure of this scrape is told by this scrape
  });
  const counted = <Value>(source: "database" | "queue", read: () => Promise<Value>) => {
    failures.inc({ source }, 0); // there from the start, so that its first rise is seen
    return readRarely(
      async () => {
        try {
          return await read();
        } catch {
          failures.inc({ source });
          return undefined;
        }
      },
      { seconds, monotonic },
    );
  };

  const state = counted("database", readState);
  for (const [name, member] of Object.entries(gaugesOfState) as [
    keyof typeof gaugesOfState,
    keyof InstallationGauges,
  ][]) {
    makeGauge(metrics, name, async (gauge) => {
      const read = await state();
      if (read === undefined) gauge.remove();
      else gauge.set(read[member]);
    });
  }

  const jobs = counted("queue", countJobs);
  makeGauge(metrics, "dripline_queue_jobs", async (gauge) => {
    const counts = await jobs();
    gauge.reset();
    for (const [state, count] of Object.entries(counts ?? {})) gauge.set({ state }, count);
  });
}

/** As much of a pool of connections as is told about it; pg's fits. */
export interface WatchedPool {
  readonly totalCount: number;
  readonly idleCount: number;
  readonly waitingCount: number;
}

export function watchConnections(metrics: MetricRegistry, pool: WatchedPool): void {
  makeGauge(metrics, "dripline_database_connections", (gauge) => {
    gauge.set({ state: "used" }, pool.totalCount - pool.idleCount);
    gauge.set({ state: "idle" }, pool.idleCount);
    gauge.set({ state: "waiting" }, pool.waitingCount);
  });
}
