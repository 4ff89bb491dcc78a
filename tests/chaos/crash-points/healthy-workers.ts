import { startWorker } from "@dripline/worker/start-worker";
import { quick } from "./quick.ts";
import { withoutProtection } from "./without-protection.ts";

// Workers that nothing happens to, one for each settings that arrive over IPC. Each is a whole worker with everything of
// its own; they share a process because loading the code takes a second, and there are dozens of scenes.

process.on("message", ({ id, env }: { id: number; env: NodeJS.ProcessEnv }) => {
  void startWorker(env, { ...quick, ...withoutProtection(env.CRASH_WITHOUT) }).then(() =>
    process.send?.({ type: "started", id }),
  );
});
process.on("disconnect", () => process.exit(0));
process.setMaxListeners(0); // each worker wants to hear of SIGTERM
process.send?.({ type: "ready" });
