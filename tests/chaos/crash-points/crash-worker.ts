import { writeSync } from "node:fs";
import { startWorker } from "@dripline/worker/start-worker";
import { quick } from "./quick.ts";
import { withoutProtection } from "./without-protection.ts";

// A real worker that meets its fault at one checkpoint of one email, once: CRASH_AT, CRASH_EXECUTION, CRASH_SIGNAL. Whoever
// started it is told before, by a write that is through when it returns.

const { CRASH_AT: at, CRASH_EXECUTION: of, CRASH_SIGNAL: signal = "SIGKILL", CRASH_WITHOUT: without } = process.env;
let hasCome = false;

await startWorker(process.env, {
  ...quick,
  // One that stands still has swept once, and does not in the middle of what it is frozen at.
  ...(signal === "SIGSTOP" ? { sweepSeconds: 3_600 } : {}),
  ...withoutProtection(without),
  onCheckpoint(checkpoint, executionId) {
    if (executionId !== of) return;
    if (hasCome || checkpoint !== at) return;
    hasCome = true;
    writeSync(1, `came to ${checkpoint}\n`);
    process.kill(process.pid, signal);
  },
});
