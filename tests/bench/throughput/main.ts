import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { measureMailCeiling, measureQueueCeiling } from "./ceilings.ts";
import { measureDrain } from "./drain.ts";
import { startServices } from "./services.ts";

const directory = await mkdtemp(join(tmpdir(), "dripline-bench-logs-"));
const services = await startServices(process.env);
const emails = Number(process.argv[2] ?? 2_000);
const only = process.argv[3];
try {
  console.log(await services.describe());
  console.log("A", await measureMailCeiling(services, emails, directory));
  console.log("B, C", await measureQueueCeiling(services, emails * 2, directory));
  const drains = [
    { backend: "redis", workers: 1, concurrency: 20 },
    { backend: "redis", workers: 2, concurrency: 20 },
    { backend: "postgres", workers: 1, concurrency: 10 },
  ] as const;
  for (const options of drains) {
    if (only !== undefined && !`${options.backend}${options.workers}`.includes(only)) continue;
    console.log(options, await measureDrain(services, { ...options, emails, directory }));
    console.log("A", await measureMailCeiling(services, emails, directory));
  }
} finally {
  await services.stop();
}
