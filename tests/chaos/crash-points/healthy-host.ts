import { type Child, startChild } from "../services/child.ts";
import { compiled } from "./crash-services.ts";

/** The process of all workers that nothing happens to. */
export interface HealthyHost {
  /** Starts a worker with these settings; resolves when it takes wake-ups. */
  startWorker(env: Readonly<Record<string, string>>): Promise<void>;
  stop(): Promise<void>;
}

export async function startHealthyHost(logPath: string): Promise<HealthyHost> {
  const started = new Map<number, () => void>();
  let last = 0;
  const child: Child = startChild({
    name: "healthy workers",
    arguments: [compiled("healthy-workers")],
    logPath,
    onMessage: (message) => {
      const { type, id } = message as { type: string; id: number };
      if (type === "started") started.get(id)?.();
    },
  });
  if (!(await child.ready)) throw new Error(`the healthy workers' process ended at once: see ${logPath}`);
  return {
    startWorker(env) {
      last += 1;
      const id = last;
      const taken = new Promise<void>((resolve, reject) => {
        started.set(id, resolve);
        void child.ended.then(() => reject(new Error(`the healthy workers' process ended: see ${logPath}`)));
      });
      child.send({ id, env });
      return taken;
    },
    async stop() {
      child.signal("SIGKILL");
      await child.ended;
    },
  };
}
