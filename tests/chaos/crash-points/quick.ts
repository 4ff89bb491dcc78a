import type { WorkerSeams } from "@dripline/worker/start-worker";

/** Others notice within seconds that a worker is gone, and look for what it left every second: dozens of scenes wait for that. */
export const quick = {
  lock: { lockMilliseconds: 3_000, stalledCheckMilliseconds: 1_000 },
  sweepSeconds: 1,
} as const satisfies WorkerSeams;
