import { explainFailure } from "../explain-failure.ts";
import type { Finding } from "./finding.ts";

/** What the queue's backend says of itself: reachable, new enough, and set up so that it loses nothing. */
export async function lookAtQueue(
  addresses: { databaseUrl: string; redisUrl: string | undefined },
  now: () => Date,
): Promise<Finding[]> {
  const { openWakeQueue } = await import("@dripline/queue/open-wake-queue");
  const queue = openWakeQueue({ ...addresses, now, role: "producer" });
  try {
    const health = await queue.check();
    const text = `queue in ${health.version ?? health.backend}`;
    if (health.problems.length > 0) return health.problems.map((remedy) => ({ kind: "bad", text, remedy }));
    const counts = Object.entries(await queue.counts()).filter(([, count]) => count > 0);
    const jobs = counts.map(([state, count]) => `${count} ${state}`).join(", ") || "empty";
    return [
      { kind: "good", text: `${text}: ${jobs}` },
      ...health.warnings.map((remedy) => ({ kind: "warning", text, remedy }) as const),
    ];
  } catch (error) {
    return [{ kind: "bad", text: "queue", remedy: explainFailure(error) }];
  } finally {
    await queue.close();
  }
}
