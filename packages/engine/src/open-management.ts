import { openDatabase } from "@dripline/db/database";
import { readInstallationState } from "@dripline/db/queries/read-installation-state";
import { readFence } from "@dripline/db/read-fence";
import type { WakeQueue } from "@dripline/queue/wake-queue";
import { watchInstallation } from "@dripline/telemetry/installation-gauges";
import { type MetricRegistry, watchProcess } from "@dripline/telemetry/instruments";
import { ManagementPortError, startManagementServer } from "@dripline/telemetry/management-server";
import { countedMax } from "@dripline/telemetry/metric-catalogue";
import type { Readiness } from "@dripline/telemetry/readiness";

export interface ManagementNeeds {
  /** Undefined: nobody watches this process. */
  readonly listen: { readonly host: string; readonly port: number } | undefined;
  readonly metrics: MetricRegistry;
  readonly readiness: () => Readiness;
  readonly databaseUrl: string;
  /** Which installation this process takes itself for: a copy has another one. */
  readonly publicUrl: string;
  readonly queue: Pick<WakeQueue, "counts">;
}

/** A scraper waits ten seconds as a rule; it should learn everything else when the database does not answer. */
const patience = { connect: 1_500, statement: 2_000, answer: 3_000 };

export type Management =
  | { readonly kind: "open"; readonly close: () => Promise<void> }
  /** It cannot listen there: sentences, each with what to do. */
  | { readonly kind: "refused"; readonly problems: readonly string[] };

/**
 * Opens the address for whoever watches this process: `/metrics`, with the gauges of the whole installation, and `/health`.
 * The gauges have one connection of their own: when all others are in use is when somebody wants to see them.
 */
export async function openManagement({ listen, ...needs }: ManagementNeeds): Promise<Management> {
  if (listen === undefined) return { kind: "open", close: async () => {} };
  const { metrics, readiness, queue } = needs;
  const database = openDatabase({
    url: needs.databaseUrl,
    connectionsMax: 1,
    applicationName: `dripline ${metrics.role} metrics`,
    plansOnce: true,
    patience,
    onError: () => {}, // the next scrape counts it
  });
  watchProcess(metrics);
  watchInstallation(metrics, {
    async readState() {
      const fence = await readFence(database, needs.publicUrl);
      return {
        ...(await readInstallationState(database, { countedMax })),
        fenceClosed: fence.kind === "closed" ? 1 : 0,
      };
    },
    countJobs: () => queue.counts({ upTo: countedMax }),
    monotonic: () => performance.now(),
  });
  try {
    const server = await startManagementServer({ ...listen, metrics, readiness });
    return {
      kind: "open",
      async close() {
        await server.close();
        await database.end();
      },
    };
  } catch (error) {
    if (!(error instanceof ManagementPortError)) throw error;
    return { kind: "refused", problems: [error.message] };
  }
}
