import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BenchOptions, readOptions } from "./options.ts";
import { renderResults } from "./render-table.ts";
import { runBench } from "./run-bench.ts";
import { startServices } from "./services.ts";
import { writeDocument, writeJson } from "./write-results.ts";

// What the way of an email costs, beside what the libraries alone do in the same run:
//
//   ceiling A     a nodemailer pool of 20 connections that sends the same message to the same mail server
//   ceiling B     BullMQ jobs that do nothing; ceiling C: BullMQ's addBulk
//   drain         a wave of emails that are due in one moment, until the mail server has taken the last of them
//   enroll        one by one over HTTP, in bulk, from a CSV file
//   punctuality   how late emails go out that are due evenly, so many a second
//   waiting       bytes in Redis and PostgreSQL of an enrollment that waits
//   growth        drain and punctuality with a million enrollments waiting besides, against ten thousand
//
// A shared machine's speed drifts, so a number is compared only with what was measured right before and after it. A run in
// which an email did not arrive exactly once, or is not recorded as sent, is no result and ends with 1.
//
// `npm run bench -- --help` says what can be chosen, docs/performance.md what it means.

const options = readOptions(process.argv.slice(2));
if ("problem" in options) {
  console.error(options.problem);
  process.exitCode = 2;
} else if ("help" in options) {
  console.log(options.help);
} else {
  await bench(options);
}

async function bench(chosen: BenchOptions): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "dripline-bench-logs-"));
  const startedAt = new Date();
  const seconds = () => ((Date.now() - startedAt.getTime()) / 1_000).toFixed(0).padStart(4);
  const say = (line: string) => console.error(`${seconds()} s  ${line}`);
  const services = await startServices(process.env, chosen.sink);
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => void services.stop().finally(() => process.exit(130)));
  }
  try {
    const results = await runBench(services, { ...chosen, directory, say }, startedAt);
    const table = renderResults(results);
    console.log(`\n${table}\n`);
    if (chosen.isDocumented) await writeDocument(table);
    say(`done; as JSON: ${await writeJson(results, chosen.jsonPath)}`);
    await rm(directory, { recursive: true });
  } catch (error) {
    console.error(`The logs of what was started are in ${directory}`);
    throw error;
  } finally {
    await services.stop();
  }
}
