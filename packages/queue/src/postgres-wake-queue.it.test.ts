import { afterEach } from "vitest";
import { openPostgresWakeQueue } from "./postgres-wake-queue.ts";
import { freshDatabase } from "./testing/database.ts";
import { wakeQueueConformance } from "./wake-queue.conformance.ts";

const databases: { drop(): Promise<void> }[] = [];

afterEach(async () => {
  await Promise.all(databases.splice(0).map((database) => database.drop()));
});

wakeQueueConformance("a WakeQueue on PostgreSQL", async () => {
  const database = await freshDatabase();
  databases.push(database);
  return openPostgresWakeQueue({ url: database.url, now: () => new Date(), role: "worker" });
});
