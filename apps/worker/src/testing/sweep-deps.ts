import type { Database } from "@dripline/db/database";
import { REAL_PACE } from "@dripline/domain/delay";
import { NO_LIMITS } from "@dripline/domain/throttle";
import { createRenderer } from "@dripline/mail/render";
import type { TimedWake } from "@dripline/queue/wake";
import { openMetricRegistry } from "@dripline/telemetry/instruments";
import { noSpans } from "@dripline/telemetry/spans";
import { makeMailSlots } from "../mail-slots.ts";
import type { SweepDeps } from "../sweeps/sweep-deps.ts";
import { makeWorkerMetrics } from "../worker-metrics.ts";

/** What a sweep stands on, with a queue that only remembers what it was given, as far as it is up. */
export interface SweepStand {
  readonly deps: SweepDeps;
  readonly woken: TimedWake[];
  readonly errors: object[];
  readonly queue: { isDown: boolean; settingsApplied: number };
}

export function makeSweepDeps(db: Database, { now }: { readonly now: () => Date }): SweepStand {
  const woken: TimedWake[] = [];
  const errors: object[] = [];
  const queue = { isDown: false, settingsApplied: 0 };
  const refuseIfDown = () => {
    if (queue.isDown) throw new Error("Redis at localhost:1 cannot be reached");
  };
  const deps: SweepDeps = {
    db,
    queue: {
      async wake(wakes) {
        refuseIfDown();
        woken.push(...wakes);
      },
      async counts() {
        refuseIfDown();
        return {};
      },
      async applySettings() {
        refuseIfDown();
        queue.settingsApplied += 1;
      },
    },
    transport: {
      deliver: () => Promise.reject(new Error("a sweep sends nothing")),
      verify: () => Promise.reject(new Error("a sweep connects to no mail server")),
      callOff: () => {},
      close: async () => {},
    },
    slots: makeMailSlots(10, new AbortController().signal),
    renderer: createRenderer(),
    log: { debug() {}, info() {}, warn() {}, error: (fields) => void errors.push(fields) },
    metrics: makeWorkerMetrics(openMetricRegistry("worker")),
    spans: noSpans,
    now,
    onCheckpoint: () => {},
    stopping: new AbortController().signal,
    pace: REAL_PACE,
    limits: NO_LIMITS,
    from: { name: "Acme", address: "hello@acme.example" },
    secret: "a secret of at least thirty-two characters",
    publicUrl: "http://127.0.0.1:4600",
    leases: { claimSeconds: 60, dataSeconds: 60 },
  };
  return { deps, woken, errors, queue };
}
