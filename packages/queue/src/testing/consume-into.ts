import { onTestFinished } from "vitest";
import type { WakeConsumer, WakeQueue } from "../wake-queue.ts";

/** Writes down whose wake-ups come; closed with its queue after the test. */
export function consumeInto(seen: string[], queue: WakeQueue): WakeConsumer {
  const consumer = queue.consume(
    async ({ executionId }) => {
      seen.push(executionId);
      return { kind: "done" };
    },
    { concurrency: 2, onError: () => undefined },
  );
  onTestFinished(async () => {
    await consumer.close(500);
    await queue.close();
  });
  return consumer;
}
