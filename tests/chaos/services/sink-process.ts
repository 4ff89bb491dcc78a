import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePort } from "@dripline/embedded/free-port";
import type { SinkFaults } from "../sink/decide-fault.ts";
import type { SinkEntry } from "../sink/sink-entry.ts";
import { type Child, startChild } from "./child.ts";

export interface SinkProcess {
  readonly port: number;
  readonly logPath: string;
  /** `kill -9`, down for so long, and up again on the same port and log. Its counts of attempts begin anew. */
  kill(downMilliseconds: number): Promise<void>;
  stop(): Promise<void>;
}

export async function startSink(options: {
  readonly seed: number;
  readonly faults: SinkFaults;
  readonly logPath: string;
  readonly processLogPath: string;
  readonly onArrival: (entry: SinkEntry) => void;
}): Promise<SinkProcess> {
  const port = await freePort();
  let restarts = 0;
  let child = start();
  await ready(child);

  function start(): Child {
    // Another seed after each restart: with the same one, everybody's first attempts would meet the same fate again.
    const seed = options.seed + restarts * 1_000_003;
    return startChild({
      name: "sink",
      arguments: [
        fileURLToPath(new URL("../sink/sink-main.js", import.meta.url)),
        options.logPath,
        String(port),
        String(seed),
        JSON.stringify(options.faults),
      ],
      logPath: options.processLogPath,
      onMessage: (message) => {
        const { type, entry } = message as { type: string; entry: SinkEntry };
        if (type === "accepted") options.onArrival(entry);
      },
    });
  }

  return {
    port,
    logPath: options.logPath,
    async kill(downMilliseconds) {
      child.signal("SIGKILL");
      await child.ended;
      await wait(downMilliseconds);
      restarts += 1;
      child = start();
      await ready(child);
    },
    async stop() {
      child.signal("SIGKILL");
      await child.ended;
    },
  };
}

async function ready(child: Child): Promise<void> {
  if (!(await child.ready)) throw new Error("the sink ended before it listened: see sink.log");
}
