import { startWorker } from "../apps/worker/dist/start-worker.js";

// A worker process as it is, except that it dies of one email: as an endless loop in memory or a crash in a library would
// end it. `KILLED_BY` names execution and checkpoint.
const { executionId, checkpoint } = JSON.parse(process.env.KILLED_BY ?? "{}");

await startWorker(process.env, {
  // Until another worker gets what a dead one had in hand.
  lock: { lockMilliseconds: 1_000, stalledCheckMilliseconds: 500 },
  sweepSeconds: 0.5,
  onCheckpoint(passed, id) {
    if (passed === checkpoint && id === executionId) process.kill(process.pid, "SIGKILL");
  },
});
