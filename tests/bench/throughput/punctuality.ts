import { setTimeout as wait } from "node:timers/promises";
import type { Database } from "@dripline/db/database";
import { requireExactlyOnce } from "./exactly-once.ts";
import { warmUpEmails } from "./message.ts";
import { type People, seedPeople } from "./people.ts";
import type { Backend, Installation, Services } from "./services.ts";
import type { Sizes } from "./sizes.ts";
import { type WarmWorkers, type WorkerOptions, waitUntilSent, withWarmWorkers } from "./warm-workers.ts";

/**
 * How late emails went out while so many were due every second: from the moment an email was scheduled for until the mail
 * server had accepted it (`sent_at`), so that the time at the mail server is in it.
 */
export interface Lateness {
  readonly duePerSecond: number;
  readonly p50Milliseconds: number;
  readonly p99Milliseconds: number;
  readonly maxMilliseconds: number;
}

const lastMillisecondsMax = 120_000;

export async function measurePunctuality(
  services: Services,
  options: WorkerOptions & { readonly backend: Backend; readonly sizes: Sizes["punctuality"] },
): Promise<Lateness[]> {
  const installation = await services.install(options.backend);
  try {
    const people = await seedPeople(installation, { ready: punctualityEmails(options.sizes) });
    return await keepTime(services, installation, people, options);
  } finally {
    await installation.remove();
  }
}

/** How many people one measurement needs. */
export function punctualityEmails({ perSecond, seconds }: Sizes["punctuality"]): number {
  return warmUpEmails + perSecond.reduce((sum, each) => sum + each * seconds, 0);
}

/** Emails due evenly over some seconds, one rate after the other. */
export async function keepTime(
  services: Services,
  installation: Installation,
  people: People,
  options: WorkerOptions & { readonly sizes: Sizes["punctuality"] },
): Promise<Lateness[]> {
  const { database } = installation;
  return withWarmWorkers(services, installation, people, options, async (workers) => {
    const measured: Lateness[] = [];
    for (const duePerSecond of options.sizes.perSecond) {
      measured.push(await keepRate(database, people, workers, duePerSecond, options.sizes.seconds));
    }
    await requireOnce(services, database, workers, options.sizes);
    return measured;
  });
}

async function keepRate(
  database: Database,
  people: People,
  workers: WarmWorkers,
  perSecond: number,
  seconds: number,
): Promise<Lateness> {
  const emails = perSecond * seconds;
  const first = workers.momentFor(emails);
  const last = new Date(first.getTime() + seconds * 1_000);
  await people.makeDue(emails, `'${first.toISOString()}'::timestamptz + (i - 1) * interval '1 second' / ${perSecond}`);
  if (Date.now() > first.getTime()) {
    throw new Error("The first emails were due before all were queued: the machine is too slow or too busy.");
  }
  await wait(last.getTime() - Date.now());
  const range = { since: first, until: last };
  await waitUntilSent(database, { ...range, millisecondsMax: lastMillisecondsMax });
  return { duePerSecond: perSecond, ...(await latenessOf(database, range)) };
}

async function latenessOf(
  database: Database,
  { since, until }: { readonly since: Date; readonly until: Date },
): Promise<Omit<Lateness, "duePerSecond">> {
  const { rows } = await database.query<{ p50: number; p99: number; max: number }>(
    `select percentile_cont(0.5) within group (order by late) as p50,
            percentile_cont(0.99) within group (order by late) as p99, max(late) as max
     from (
       select (extract(epoch from sent_at - scheduled_for) * 1000)::float8 as late
       from step_execution where scheduled_for between $1 and $2 and step_number = 1
     ) each`,
    [since, until],
  );
  const { p50 = 0, p99 = 0, max = 0 } = rows[0] ?? {};
  return { p50Milliseconds: p50, p99Milliseconds: p99, maxMilliseconds: max };
}

async function requireOnce(
  services: Services,
  database: Database,
  { since }: WarmWorkers,
  sizes: Sizes["punctuality"],
): Promise<void> {
  await requireExactlyOnce(database, services.sink, {
    emails: punctualityEmails(sizes),
    from: since,
    until: new Date(),
  });
}
