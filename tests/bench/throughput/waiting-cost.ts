import type { Database } from "@dripline/db/database";
import type { Redis } from "ioredis";
import { withApi } from "./api-calls.ts";
import { bulkItems, enrollInBulk } from "./enroll.ts";
import { makeBenchSequence } from "./people.ts";
import { requireQueued } from "./require-queued.ts";
import type { Backend, Services } from "./services.ts";

/** What one enrollment takes up while it waits for its first email. */
export interface WaitingCost {
  readonly backend: Backend;
  readonly enrollments: number;
  /** Its timer. Zero with the PostgreSQL backend, whose timers are in PostgreSQL. */
  readonly redisBytes: number;
  /** Contact, enrollment, execution and the audit log, with their indexes. */
  readonly postgresBytes: number;
}

/** Room that an empty installation takes as well is no part of it. */
const firstItems = 200;

/** People who are new, enrolled in bulk through the API. */
export async function measureWaitingCost(
  services: Services,
  {
    backend,
    thousands,
    directory,
  }: { readonly backend: Backend; readonly thousands: number; readonly directory: string },
): Promise<WaitingCost> {
  const installation = await services.install(backend);
  const { database } = installation;
  try {
    const sequenceId = await makeBenchSequence(database, { firstAfterDays: 3 });
    const enrollments = thousands * bulkItems;
    return await withApi(installation, directory, async (api) => {
      await enrollInBulk(api, sequenceId, "early", { requests: 1, items: firstItems });
      const before = await usedBytes(database, services.redis);
      await enrollInBulk(api, sequenceId, "waiting", { requests: thousands, items: bulkItems });
      const after = await usedBytes(database, services.redis);
      await requireQueued(installation, firstItems + enrollments);
      return {
        backend,
        enrollments,
        redisBytes: backend === "redis" ? (after.redis - before.redis) / enrollments : 0,
        postgresBytes: (after.postgres - before.postgres) / enrollments,
      };
    });
  } finally {
    await installation.remove();
  }
}

async function usedBytes(database: Database, redis: Redis): Promise<{ redis: number; postgres: number }> {
  await database.query("vacuum");
  const { rows } = await database.query<{ bytes: string }>(
    `select sum(pg_total_relation_size(c.oid)) as bytes from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema')`,
  );
  const used = /used_memory:(\d+)/.exec(await redis.info("memory"))?.[1];
  return { redis: Number(used), postgres: Number(rows[0]?.bytes) };
}
