import { measureMailCeiling } from "./ceilings.ts";
import { measureDrain } from "./drain.ts";
import { measureEnrollment } from "./enroll.ts";
import { measureGrowth } from "./growth.ts";
import { readMachine } from "./machine.ts";
import type { BenchOptions } from "./options.ts";
import { measurePunctuality } from "./punctuality.ts";
import type { Results } from "./results.ts";
import type { Backend, Services } from "./services.ts";
import { measureWaitingCost } from "./waiting-cost.ts";

/** As many connections with one worker as with two. */
const drains = [
  { part: "drain-redis-1", backend: "redis", workers: 1, concurrency: 120 },
  { part: "drain-redis-2", backend: "redis", workers: 2, concurrency: 60 },
  { part: "drain-postgres-1", backend: "postgres", workers: 1, concurrency: 120 },
] as const;
const backends: readonly Backend[] = ["redis", "postgres"];
const twoWorkers = { backend: "redis", workers: 2, concurrency: 60 } as const;

export interface RunOptions extends BenchOptions {
  /** For the logs of what it starts. */
  readonly directory: string;
  readonly say: (line: string) => void;
}

/**
 * Measures what was asked for, run after run.
 * @throws when something did not arrive exactly once or was not recorded exactly: what was measured then is no result
 */
export async function runBench(services: Services, options: RunOptions, startedAt: Date): Promise<Results> {
  const results: Results = {
    startedAt: startedAt.toISOString(),
    isQuick: options.isQuick,
    sizes: options.sizes,
    machine: readMachine(),
    services: await services.describe(),
    drains: [],
    enrollments: [],
    lateness: [],
    waiting: [],
    growth: null,
  };
  const runs = [...options.parts].some((part) => part !== "growth") ? options.sizes.runs : 0;
  for (let run = 0; run < runs; run += 1) {
    options.say(`run ${run + 1} of ${runs}`);
    await runDrains(services, options, results, run);
    await runRest(services, options, results);
  }
  const { directory, profileDirectory, say, sizes, parts } = options;
  if (parts.has("growth")) {
    const growing = { ...twoWorkers, directory, profileDirectory, say, sizes: sizes.growth };
    results.growth = await measureGrowth(services, growing);
  }
  return results;
}

/**
 * A shared machine becomes slower and faster within minutes. So each drain stands between two measurements of ceiling A and
 * is compared with those two only, and another one is the first of each run.
 */
async function runDrains(services: Services, options: RunOptions, results: Results, run: number): Promise<void> {
  const { sizes, directory, profileDirectory, parts, say } = options;
  const wanted = drains.filter(({ part }) => parts.has(part));
  if (wanted.length === 0) return;
  const first = run % wanted.length;
  let before = await measureMailCeiling(services, sizes.emails, directory);
  for (const { part, ...drain } of [...wanted.slice(first), ...wanted.slice(0, first)]) {
    say(`  ${part}`);
    const drained = await measureDrain(services, { ...drain, emails: sizes.emails, directory, profileDirectory });
    const after = await measureMailCeiling(services, sizes.emails, directory);
    const { backend, workers } = drain;
    results.drains.push({ backend, workers, drained, ceilings: [before, after] });
    before = after;
  }
}

async function runRest(services: Services, options: RunOptions, results: Results): Promise<void> {
  const { sizes, directory, profileDirectory, parts, say } = options;
  for (const backend of backends) {
    if (parts.has(`enroll-${backend}`)) {
      say(`  enroll-${backend}`);
      results.enrollments.push({ backend, ...(await measureEnrollment(services, { backend, sizes, directory })) });
    }
    if (parts.has(`waiting-${backend}`)) {
      say(`  waiting-${backend}`);
      results.waiting.push(
        await measureWaitingCost(services, { backend, thousands: sizes.waitingThousands, directory }),
      );
    }
  }
  if (parts.has("punctuality")) {
    say("  punctuality");
    const punctual = { ...twoWorkers, directory, profileDirectory, sizes: sizes.punctuality };
    results.lateness.push(...(await measurePunctuality(services, punctual)));
  }
}
