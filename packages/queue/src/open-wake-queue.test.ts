import { expect, onTestFinished, test } from "vitest";
import { openWakeQueue } from "./open-wake-queue.ts";

// Port 9 (discard) answers nobody: opening a queue must not need its server.
const servers = { redisUrl: "redis://127.0.0.1:9", databaseUrl: "postgres://127.0.0.1:9/none" };

test.each([
  ["redis", servers],
  ["postgres", { ...servers, redisUrl: undefined }],
  ["postgres", { ...servers, redisUrl: "" }],
] as const)("the queue is on %s with %j, and opens while its server is down", async (backend, urls) => {
  const queue = openWakeQueue({ ...urls, now: () => new Date(), role: "producer" });
  onTestFinished(() => queue.close());

  expect(queue.backend).toBe(backend);
  expect(await queue.check()).toMatchObject({ backend, isReachable: false });
});
