import type { JobTrace } from "@dripline/queue/job-trace";
import type { WakeQueue } from "@dripline/queue/wake-queue";
import type { Spans } from "@dripline/telemetry/spans";

type Waker = Pick<WakeQueue, "wake">;

/**
 * The same queue, whose jobs know which trace asked for them. Every step of an email is a span of its own here, also where
 * many share one call to the queue behind it. Sweeps are no part of a trace; what they wake begins one.
 */
export function traceWakes(queue: Waker, spans: Spans, now: () => Date): Waker {
  if (!spans.areRecorded) return queue;
  return {
    wake(wakes, options) {
      if (spans.headers() === undefined) return queue.wake(wakes, options);
      return spans.run("wake", { "dripline.wakes": wakes.length }, async () => {
        const headers = spans.headers();
        if (headers === undefined) return queue.wake(wakes, options);
        const carried: JobTrace = {
          ...headers,
          at: now().getTime(),
          ...(wakes.length > 1 ? { isOneOfMany: true } : {}),
        };
        const trace = JSON.stringify(carried);
        await queue.wake(
          wakes.map((wake) => ({ ...wake, trace })),
          options,
        );
      });
    },
  };
}
