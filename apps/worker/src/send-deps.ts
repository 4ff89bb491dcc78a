import type { Database } from "@dripline/db/database";
import type { Pace } from "@dripline/domain/delay";
import type { SendLimits } from "@dripline/domain/throttle";
import type { Renderer } from "@dripline/mail/render";
import type { MailTransport } from "@dripline/mail/transport";
import type { WakeQueue } from "@dripline/queue/wake-queue";
import type { Spans } from "@dripline/telemetry/spans";
import type { OnCheckpoint } from "./checkpoints.ts";
import type { MailSlots } from "./mail-slots.ts";
import type { WorkerMetrics } from "./worker-metrics.ts";

/** As much of a logger as the worker needs; pino's fits. */
export interface WorkerLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What sending stands on; put together in main.ts, or by a test. */
export interface SendDeps {
  readonly db: Database;
  readonly queue: Pick<WakeQueue, "wake">;
  readonly transport: MailTransport;
  readonly slots: MailSlots;
  readonly renderer: Renderer;
  readonly log: WorkerLog;
  readonly metrics: WorkerMetrics;
  readonly spans: Spans;
  /** By the database's clock: what is written down must not depend on this machine's. */
  readonly now: () => Date;
  readonly onCheckpoint: OnCheckpoint;
  /** Aborted when this process is told to stop: from then on nothing is claimed, and sweeps end. */
  readonly stopping: AbortSignal;
  readonly pace: Pace;
  readonly limits: SendLimits;
  readonly from: { readonly name: string; readonly address: string };
  /** Signs Message-IDs and unsubscribe links. */
  readonly secret: string;
  readonly publicUrl: string;
  readonly leases: Leases;
}

export interface Leases {
  /** From the claim to the first body byte: waiting for a connection, greeting, envelope. */
  readonly claimSeconds: number;
  /** From the first body byte to the recorded reply. Must outlast the wait for the server's final reply. */
  readonly dataSeconds: number;
}
