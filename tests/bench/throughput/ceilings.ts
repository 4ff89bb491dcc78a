import { Redis } from "ioredis";
import { cpuSeconds } from "./cpu.ts";
import { warmUpEmails } from "./message.ts";
import { runProgram } from "./processes.ts";
import type { Services } from "./services.ts";

/** As many connections and jobs at a time as two workers have together. */
const concurrencyOfAll = 20;

/** What nodemailer does alone. */
export interface MailCeiling {
  readonly perSecond: number;
  /** Of the sender and the mail server together. */
  readonly cpuMilliseconds: number;
}

/** Ceiling A: a nodemailer pool alone, sending the same message to the same mail server. */
export async function measureMailCeiling(
  services: Services,
  messages: number,
  directory: string,
): Promise<MailCeiling> {
  await services.sink.forget();
  let before = 0;
  let ceiling: MailCeiling | undefined;
  await runProgram<{ seconds: number }>(
    "ceiling-mail",
    [services.sink.url, String(messages), String(concurrencyOfAll)],
    async ({ seconds }, child) => {
      const used = (await cpuSeconds([child.pid, services.sink.pid])) - before;
      ceiling = { perSecond: messages / seconds, cpuMilliseconds: (used * 1_000) / messages };
    },
    directory,
    async (child) => {
      before = await cpuSeconds([child.pid, services.sink.pid]);
    },
  );
  const arrived = await services.sink.messageIds();
  const isOnce = arrived.length === new Set(arrived).size && arrived.length === warmUpEmails + messages;
  if (ceiling === undefined || !isOnce) {
    throw new Error(`No result: of ${messages} messages of ceiling A ${arrived.length - warmUpEmails} arrived.`);
  }
  return ceiling;
}

/** What BullMQ does alone. */
export interface QueueCeiling {
  /** Ceiling B: jobs that do nothing. */
  readonly workedPerSecond: number;
  /** Ceiling C: `addBulk`, a thousand at a time. */
  readonly addedPerSecond: number;
}

/** Ceilings B and C: BullMQ alone, in a queue of its own. */
export async function measureQueueCeiling(services: Services, jobs: number, directory: string): Promise<QueueCeiling> {
  const redis = new Redis(services.ceilingRedisUrl);
  await redis.flushdb();
  let ceiling: QueueCeiling | undefined;
  await runProgram<{ addSeconds: number; workSeconds: number }>(
    "ceiling-queue",
    [services.ceilingRedisUrl, String(jobs), String(concurrencyOfAll)],
    async ({ addSeconds, workSeconds }) => {
      ceiling = { workedPerSecond: jobs / workSeconds, addedPerSecond: jobs / addSeconds };
    },
    directory,
  );
  await redis.flushdb();
  redis.disconnect();
  if (ceiling === undefined) throw new Error("Ceilings B and C gave no result.");
  return ceiling;
}
