import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { measureMailCeiling, measureQueueCeiling } from "./ceilings.ts";
import { measureDrain } from "./drain.ts";
import { startServices } from "./services.ts";

// What the way of an email costs, beside what the libraries alone do in the same run: ceiling A, a nodemailer pool; B, BullMQ
// jobs that do nothing; C, BullMQ's addBulk. Each drain stands between two measurements of A, since a shared machine's speed drifts.
//
// npm run bench -- [emails] [only this drain, such as redis2]
// BENCH_DATABASE_URL, BENCH_REDIS_URL: given services instead of embedded ones
// BENCH_PROFILE_DIRECTORY: each worker leaves a CPU profile there, for a look with the developer tools of a browser

const directory = await mkdtemp(join(tmpdir(), "dripline-bench-logs-"));
const services = await startServices(process.env);
const emails = Number(process.argv[2] ?? 2_000);
const only = process.argv[3];
const profileDirectory = process.env.BENCH_PROFILE_DIRECTORY || undefined;
try {
  console.log(await services.describe());
  console.log("A", await measureMailCeiling(services, emails, directory));
  console.log("B, C", await measureQueueCeiling(services, emails * 2, directory));
  const drains = [
    { backend: "redis", workers: 1, concurrency: Number(process.env.CC ?? 20) },
    { backend: "redis", workers: 2, concurrency: Number(process.env.CC ?? 20) },
    { backend: "postgres", workers: 1, concurrency: Number(process.env.CC ?? 20) },
  ] as const;
  for (const options of drains) {
    if (only !== undefined && !`${options.backend}${options.workers}`.includes(only)) continue;
    console.log(options, await measureDrain(services, { ...options, emails, directory, profileDirectory }));
    console.log("A", await measureMailCeiling(services, emails, directory));
  }
} finally {
  await services.stop();
}
