import type { Drained } from "./drain.ts";
import { bulkRequestsAtOnce } from "./enroll.ts";
import type { ComparedDrain, Results } from "./results.ts";
import type { Backend } from "./services.ts";
import { type Spread, spreadOf } from "./spread.ts";
import { type Target, targets } from "./targets.ts";

/** A line of the table: one number that several runs gave. */
export interface Row {
  readonly measured: string;
  readonly spread: Spread;
  /** Such as `× A`. */
  readonly unit: string;
  readonly digits: number;
  /** What is behind a ratio, or goes with it: absolute rates of these very runs. */
  readonly beside?: string;
  readonly target?: Target;
}

/** Lines for what was measured, and for nothing else. */
export function tableRows(results: Results): Row[] {
  return [
    ...ceilingRows(results),
    ...drainRows(results, "redis", 2, targets.drainTwoWorkers),
    ...drainRows(results, "redis", 1, targets.drainOneWorker),
    ...drainRows(results, "postgres", 1, targets.drainPostgres),
    ...enrollmentRows(results, "redis"),
    ...enrollmentRows(results, "postgres"),
    ...latenessRows(results),
    ...waitingRows(results),
    ...growthRows(results),
    ...memoryRows(results),
  ];
}

function ceilingRows({ drains, enrollments }: Results): Row[] {
  const mail = drains.flatMap(({ ceilings }) => ceilings);
  const queue = enrollments.flatMap(({ ceilings }) => ceilings);
  return [
    ...rate(
      "ceiling A: nodemailer alone",
      mail.map(({ perSecond }) => perSecond),
    ),
    ...row(
      "ceiling A: CPU of a message",
      mail.map(({ cpuMilliseconds }) => cpuMilliseconds),
      { unit: "ms", digits: 2 },
    ),
    ...rate(
      "ceiling B: BullMQ, jobs that do nothing",
      queue.map(({ workedPerSecond }) => workedPerSecond),
    ),
    ...rate(
      "ceiling C: BullMQ, addBulk",
      queue.map(({ addedPerSecond }) => addedPerSecond),
    ),
  ];
}

const names: Readonly<Record<Backend, string>> = { redis: "Redis", postgres: "PostgreSQL" };

function drainRows({ drains }: Results, backend: Backend, workers: number, target: Target): Row[] {
  const runs = drains.filter((each) => each.backend === backend && each.workers === workers);
  const name = `drain, ${names[backend]}, ${workers} worker${workers === 1 ? "" : "s"}`;
  const ratios = runs.map(({ drained, ceilings }) => drained.perSecond / mean(ceilings, "perSecond"));
  return [
    ...row(name, ratios, {
      unit: "× A",
      digits: 2,
      beside: besideRates(runs.map(({ drained }) => drained.perSecond)),
      target,
    }),
    ...drainCpuRows(`${name}: CPU of an email`, runs, backend === "redis" ? targets.cpu : undefined),
  ];
}

function drainCpuRows(name: string, runs: readonly ComparedDrain[], target: Target | undefined): Row[] {
  const ratios = runs.map(({ drained, ceilings }) => drained.cpuMilliseconds / mean(ceilings, "cpuMilliseconds"));
  const beside = besideCpu(runs.map(({ drained }) => drained));
  return row(name, ratios, { unit: "× A", digits: 2, beside, ...(target && { target }) });
}

function enrollmentRows({ enrollments }: Results, backend: Backend): Row[] {
  const runs = enrollments.filter((each) => each.backend === backend);
  const timesC = (rate: "bulkPerSecond" | "bulkAtOncePerSecond") =>
    runs.map((run) => run[rate] / mean(run.ceilings, "addedPerSecond"));
  const name = `enroll, ${names[backend]}`;
  return [
    ...rate(
      `${name}: one by one over HTTP`,
      runs.map(({ oneByOnePerSecond }) => oneByOnePerSecond),
    ),
    ...row(`${name}: in bulk`, timesC("bulkPerSecond"), {
      unit: "× C",
      digits: 2,
      beside: besideRates(runs.map(({ bulkPerSecond }) => bulkPerSecond)),
      ...(backend === "redis" ? { target: targets.bulk } : {}),
    }),
    ...row(`${name}: in bulk, ${bulkRequestsAtOnce} requests at a time`, timesC("bulkAtOncePerSecond"), {
      unit: "× C",
      digits: 2,
      beside: besideRates(runs.map(({ bulkAtOncePerSecond }) => bulkAtOncePerSecond)),
    }),
    ...rate(
      `${name}: from CSV`,
      runs.map(({ csvPerSecond }) => csvPerSecond),
    ),
  ];
}

function latenessRows({ lateness }: Results): Row[] {
  const rates = [...new Set(lateness.map(({ duePerSecond }) => duePerSecond))];
  return rates.flatMap((duePerSecond) => {
    const runs = lateness.filter((each) => each.duePerSecond === duePerSecond);
    const p50 = spreadOf(runs.map(({ p50Milliseconds }) => p50Milliseconds)).median;
    return row(
      `lateness at ${duePerSecond} due a second, p99`,
      runs.map(({ p99Milliseconds }) => p99Milliseconds),
      {
        unit: "ms",
        digits: 0,
        beside: `p50 ${p50.toFixed(0)} ms`,
        ...(duePerSecond === 100 ? { target: targets.lateness } : {}),
      },
    );
  });
}

function waitingRows({ waiting }: Results): Row[] {
  const of = (backend: Backend) => waiting.filter((each) => each.backend === backend);
  const postgres = (backend: Backend) => of(backend).map(({ postgresBytes }) => postgresBytes);
  const [redis, bytes] = [of("redis").map(({ redisBytes }) => redisBytes), { unit: "bytes", digits: 0 }];
  return [
    ...row("waiting enrollment: in Redis", redis, { ...bytes, target: targets.redisBytes }),
    ...row("waiting enrollment: in PostgreSQL, beside Redis", postgres("redis"), bytes),
    ...row("waiting enrollment: in PostgreSQL, alone", postgres("postgres"), bytes),
  ];
}

function growthRows({ growth }: Results): Row[] {
  if (growth === null) return [];
  const { few, many, rounds } = growth;
  const name = `${thousands(many)} waiting besides, against ${thousands(few)}`;
  const cost = rounds.map((each) => each.many.drained.cpuMilliseconds / each.few.drained.cpuMilliseconds);
  const fewCost = rounds.map((each) => each.few.drained.cpuMilliseconds);
  const speed = rounds.map((each) => each.many.drained.perSecond / each.few.drained.perSecond);
  const p99 = (of: "few" | "many") =>
    rounds.flatMap((each) => each[of].lateness.map(({ p99Milliseconds }) => p99Milliseconds));
  const fewP99 = spreadOf(p99("few")).median.toFixed(0);
  const duePerSecond = rounds[0]?.many.lateness[0]?.duePerSecond;
  return [
    ...row(`${name}: CPU of an email`, cost, {
      unit: "×",
      digits: 2,
      beside: besideCpu(rounds.map((each) => each.many.drained)),
      target: targets.growth,
    }),
    ...row(`with ${thousands(few)} waiting: CPU of an email`, fewCost, {
      unit: "ms",
      digits: 2,
      beside: besideCpu(rounds.map((each) => each.few.drained)),
    }),
    ...row(`${name}: drain`, speed, {
      unit: "×",
      digits: 2,
      beside: besideRates(rounds.map((each) => each.many.drained.perSecond)),
    }),
    ...row(`${thousands(many)} waiting: lateness at ${duePerSecond} due a second, p99`, p99("many"), {
      unit: "ms",
      digits: 0,
      beside: `${fewP99} ms with ${thousands(few)}`,
    }),
  ];
}

function memoryRows({ drains, growth }: Results): Row[] {
  const rounds = growth?.rounds.flatMap((each) => [each.few.drained, each.many.drained]) ?? [];
  const bytes = [...drains.map(({ drained }) => drained), ...rounds].map(({ workerMemoryBytes }) => workerMemoryBytes);
  const megabytes = bytes.map((each) => each / 1_000_000);
  return row("worker memory, the most resident", megabytes, { unit: "MB", digits: 0, target: targets.workerMegabytes });
}

function rate(measured: string, values: readonly number[]): Row[] {
  return row(measured, values, { unit: "a second", digits: 0 });
}

function row(measured: string, values: readonly number[], rest: Omit<Row, "measured" | "spread">): Row[] {
  return values.length === 0 ? [] : [{ measured, spread: spreadOf(values), ...rest }];
}

function besideRates(values: readonly number[]): string {
  if (values.length === 0) return "";
  const { median, min, max } = spreadOf(values);
  const [middle, least, most] = [median, min, max].map((value) => value.toFixed(0));
  return least === most ? `${middle} a second` : `${middle} a second (${least}–${most})`;
}

/** In milliseconds, by what used it. */
function besideCpu(drained: readonly Drained[]): string {
  if (drained.length === 0) return "";
  const median = (of: (each: Drained) => number) => spreadOf(drained.map(of)).median.toFixed(2);
  const parts = [
    `workers ${median(({ cpuParts }) => cpuParts.workers)}`,
    `PostgreSQL ${median(({ cpuParts }) => cpuParts.postgres)}`,
    `Redis ${median(({ cpuParts }) => cpuParts.redis)}`,
    `mail server ${median(({ cpuParts }) => cpuParts.sink)}`,
  ];
  const all = median(({ cpuMilliseconds }) => cpuMilliseconds);
  return `${all} ms: ${parts.join(", ")}; ${median(({ transactions }) => transactions)} transactions`;
}

function mean<Field extends string>(ceilings: readonly Readonly<Record<Field, number>>[], field: Field): number {
  return ceilings.reduce((sum, ceiling) => sum + ceiling[field], 0) / ceilings.length;
}

function thousands(count: number): string {
  return count.toLocaleString("en-US");
}
