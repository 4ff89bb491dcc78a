import type { WakeQueue } from "@dripline/queue/wake-queue";
import type { SendDeps } from "../send-deps.ts";

/** What sweeps need beside what sending stands on: a look at the queue, and its settings. */
export interface SweepDeps extends SendDeps {
  readonly queue: Pick<WakeQueue, "wake" | "counts" | "applySettings">;
}
