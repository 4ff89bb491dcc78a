import { randomUUID } from "node:crypto";
import { afterEach, describe, expect, test, vi } from "vitest";
import { queueHorizonDays, type TimedWake, type Wake } from "./wake.ts";
import type { ConsumeOptions, LockTimes, WakeConsumer, WakeHandler, WakeQueue, WakeVerdict } from "./wake-queue.ts";

const done: WakeVerdict = { kind: "done" };
/** Short enough for a test to see a wake change hands. */
const shortLock: LockTimes = { lockMilliseconds: 600, stalledCheckMilliseconds: 300 };

/**
 * What every WakeQueue promises. `open` returns a queue that is the only user of its storage, opened as "worker"; it
 * is called once per test.
 */
export function wakeQueueConformance(name: string, open: () => Promise<WakeQueue>): void {
  describe(name, () => {
    const opened: WakeQueue[] = [];
    const consumers: WakeConsumer[] = [];
    const errors: Error[] = [];

    afterEach(async () => {
      await Promise.all(consumers.splice(0).map((consumer) => consumer.close(200)));
      await Promise.all(opened.splice(0).map((queue) => queue.close()));
      errors.splice(0);
    });

    async function openQueue(): Promise<WakeQueue> {
      const queue = await open();
      opened.push(queue);
      return queue;
    }

    function consume(queue: WakeQueue, handler: WakeHandler, options: Partial<ConsumeOptions> = {}): WakeConsumer {
      const consumer = queue.consume(handler, { concurrency: 5, onError: (error) => errors.push(error), ...options });
      consumers.push(consumer);
      return consumer;
    }

    test("a wake runs at its time and not before", async () => {
      const queue = await openQueue();
      const ranAt = new Map<string, number>();
      await consume(queue, async (wake) => {
        ranAt.set(wake.executionId, Date.now());
        return done;
      }).whenReady();
      const soon = newWake(700);
      const atOnce = newWake(-60_000);

      await queue.wake([soon, atOnce]);

      await until(() => expect(ranAt.size).toBe(2));
      expect(ranAt.get(atOnce.executionId)).toBeLessThan(soon.at.getTime());
      expect(ranAt.get(soon.executionId)).toBeGreaterThanOrEqual(soon.at.getTime());
      expect(ranAt.get(soon.executionId)).toBeLessThan(soon.at.getTime() + 2_000);
    });

    test("a wake that was queued before anybody consumes is kept, with its payload", async () => {
      const queue = await openQueue();
      const wake = newWake(0);
      await queue.wake([wake]);
      const seen: Wake[] = [];

      consume(queue, async (woken) => {
        seen.push(woken);
        return done;
      });

      await until(() => expect(seen).toEqual([{ executionId: wake.executionId, generation: wake.generation }]));
    });

    test("a wake that is put back comes again at its new time, with the same payload, and neither fails nor stalls", async () => {
      const queue = await openQueue();
      const seen: { wake: Wake; at: number }[] = [];
      let againAt = new Date();
      const handler: WakeHandler = async (wake) => {
        seen.push({ wake, at: Date.now() });
        if (seen.length > 3) return done;
        againAt = new Date(Date.now() + 300);
        return { kind: "again", at: againAt };
      };
      // Two consumers, because a job that is put back has been seen to end as completed with two of them.
      consume(queue, handler, { lock: shortLock });
      consume(queue, handler, { lock: shortLock });
      const wake = newWake(0);

      await queue.wake([wake]);

      await until(() => expect(seen).toHaveLength(4));
      expect(seen.map((entry) => entry.wake)).toEqual(Array(4).fill(withoutTime(wake)));
      expect(seen[3]?.at).toBeGreaterThanOrEqual(againAt.getTime());
      await untilEmpty(queue);
      expect(seen).toHaveLength(4);
      expect(errors).toEqual([]);
    });

    test("many wakes that are put back at the same time by two consumers all come again, once each", async () => {
      const queue = await openQueue();
      const runs = new Map<string, number>();
      const handler: WakeHandler = async ({ executionId }) => {
        const run = (runs.get(executionId) ?? 0) + 1;
        runs.set(executionId, run);
        return run === 3 ? done : { kind: "again", at: new Date(Date.now() + 50) };
      };
      consume(queue, handler, { concurrency: 10 });
      consume(queue, handler, { concurrency: 10 });

      await queue.wake(Array.from({ length: 100 }, () => newWake(0)));

      await until(() => expect([...runs.values()].filter((run) => run === 3)).toHaveLength(100));
      await untilEmpty(queue);
      expect(new Set(runs.values())).toEqual(new Set([3]));
      expect(errors).toEqual([]);
    });

    test("the same wake queued twice runs once, and keeps its first time", async () => {
      const queue = await openQueue();
      const seen: string[] = [];
      const wake = newWake(300);
      const marker = newWake(900);
      await queue.wake([wake]);
      await queue.wake([{ ...wake, at: new Date(Date.now() + 3_600_000) }, wake]);

      consume(queue, async ({ executionId }) => {
        seen.push(executionId);
        return done;
      });
      await queue.wake([marker]);

      await until(() => expect(seen).toContain(marker.executionId));
      expect(seen).toEqual([wake.executionId, marker.executionId]);
      await untilEmpty(queue);
    });

    test("a wake that ran can be queued and run again", async () => {
      const queue = await openQueue();
      let runs = 0;
      consume(queue, async () => {
        runs += 1;
        return done;
      });
      const wake = newWake(0);
      await queue.wake([wake]);
      await until(() => expect(runs).toBe(1));
      await untilEmpty(queue);

      await queue.wake([wake]);

      await until(() => expect(runs).toBe(2));
    });

    test("a rescue runs although the first job of that wake still exists", async () => {
      const queue = await openQueue();
      const seen: Wake[] = [];
      consume(queue, async (woken) => {
        seen.push(woken);
        return done;
      });
      const stuck = newWake(3_600_000);
      await queue.wake([stuck]);

      await queue.wake([{ ...stuck, at: new Date() }], { rescue: "17" });
      await queue.wake([{ ...stuck, at: new Date() }], { rescue: "18" });

      await until(() => expect(seen).toEqual([withoutTime(stuck), withoutTime(stuck)]));
    });

    test("a wake whose handler throws comes again a while later, and the error is reported", async () => {
      const queue = await openQueue();
      const ranAt: number[] = [];
      consume(queue, async () => {
        ranAt.push(Date.now());
        if (ranAt.length === 1) throw new Error("no database");
        return done;
      });
      const wake = newWake(0);

      await queue.wake([wake]);

      await until(() => expect(ranAt).toHaveLength(2));
      expect((ranAt[1] ?? 0) - (ranAt[0] ?? 0)).toBeGreaterThanOrEqual(1_000);
      expect(errors).toHaveLength(1);
      expect(errors[0]?.message).toContain(wake.executionId);
      expect(errors[0]?.cause).toEqual(new Error("no database"));
      await untilEmpty(queue);
    });

    test("a verdict with an invalid date is a bug of the handler, and the wake comes again", async () => {
      const queue = await openQueue();
      let runs = 0;
      consume(queue, async () => {
        runs += 1;
        return runs === 1 ? { kind: "again", at: new Date(Number.NaN) } : done;
      });

      await queue.wake([newWake(0)]);

      await until(() => expect(runs).toBe(2));
      expect(errors).toHaveLength(1);
    });

    test("a wake of a consumer that hangs is run again by another one", async () => {
      const queue = await openQueue();
      const hanging = signal();
      const firstStarted = signal();
      const first = consume(
        queue,
        async () => {
          firstStarted.resolve();
          await hanging.promise;
          return done;
        },
        { lock: shortLock },
      );
      const wake = newWake(0);
      await queue.wake([wake]);
      await firstStarted.promise;

      expect(await first.close(50)).toBe("grace_over");
      const seen: Wake[] = [];
      consume(
        queue,
        async (woken) => {
          seen.push(woken);
          return done;
        },
        { lock: shortLock },
      );

      await until(() => expect(seen).toEqual([withoutTime(wake)]));
      hanging.resolve();
      await untilEmpty(queue);
    });

    test("a wake tells its handler how many workers were lost with it, until a handler has outlived that", async () => {
      const queue = await openQueue();
      const heard: number[] = [];
      const hang = () => new Promise<never>(() => {});
      const first = consume(
        queue,
        async (_wake, losses) => {
          heard.push(losses);
          return hang();
        },
        { lock: shortLock },
      );
      await queue.wake([newWake(0)]);
      await until(() => expect(heard).toEqual([0]));
      expect(await first.close(50)).toBe("grace_over");

      const second = consume(
        queue,
        async (_wake, losses) => {
          heard.push(losses);
          return heard.length < 3 ? { kind: "again", at: new Date() } : hang();
        },
        { lock: shortLock },
      );
      await until(() => expect(heard).toEqual([0, 1, 0]));
      expect(await second.close(50)).toBe("grace_over");

      consume(
        queue,
        async (_wake, losses) => {
          heard.push(losses);
          return done;
        },
        { lock: shortLock },
      );
      await until(() => expect(heard).toEqual([0, 1, 0, 1]));
      await untilEmpty(queue);
    });

    test("close waits for what runs, and takes nothing new", async () => {
      const queue = await openQueue();
      const started = signal();
      const mayEnd = signal();
      let ended = 0;
      const consumer = consume(
        queue,
        async () => {
          started.resolve();
          await mayEnd.promise;
          ended += 1;
          return done;
        },
        { concurrency: 1 },
      );
      await queue.wake([newWake(0), newWake(0)]);
      await started.promise;

      const closed = consumer.close(10_000);
      mayEnd.resolve();

      expect(await closed).toBe("drained");
      expect(ended).toBe(1);
      expect(errors).toEqual([]);
      expect((await queue.counts()).waiting).toBe(1);
    });

    test("1,000 wakes due at once all run, once each", async () => {
      const queue = await openQueue();
      const runs: string[] = [];
      consume(
        queue,
        async ({ executionId }) => {
          runs.push(executionId);
          return done;
        },
        { concurrency: 10 },
      );
      const wakes = Array.from({ length: 1_000 }, () => newWake(0));

      await queue.wake(wakes);

      await until(() => expect(runs).toHaveLength(1_000), 25_000);
      expect(new Set(runs)).toEqual(new Set(wakes.map((wake) => wake.executionId)));
      await untilEmpty(queue);
      expect(errors).toEqual([]);
    });

    test("a wake beyond the horizon is not queued, one just within it is", async () => {
      const queue = await openQueue();
      const day = 24 * 3_600_000;

      await queue.wake([newWake(queueHorizonDays * day + 60_000), newWake(queueHorizonDays * day - 60_000)]);

      expect((await queue.counts()).delayed).toBe(1);
    });

    test("a wake that is put back beyond the horizon leaves the queue", async () => {
      const queue = await openQueue();
      const ran = signal();
      consume(queue, async () => {
        ran.resolve();
        return { kind: "again", at: new Date(Date.now() + (queueHorizonDays + 1) * 24 * 3_600_000) };
      });

      await queue.wake([newWake(0)]);

      await ran.promise;
      await untilEmpty(queue);
    });

    test("a job that is no wake is reported and dropped", async () => {
      const queue = await openQueue();
      await queue.counts();
      await queue.bullQueue().add("by-hand", { hello: "world" });
      await queue.bullQueue().add("by-hand", { executionId: "x", generation: "1" });
      let runs = 0;

      consume(queue, async () => {
        runs += 1;
        return done;
      });

      await until(() => expect(errors).toHaveLength(2));
      expect(errors[0]?.message).toContain("carries no wake");
      await untilEmpty(queue);
      expect(runs).toBe(0);
    });

    test("promoting a waiting job by hand only runs its wake early, once", async () => {
      const queue = await openQueue();
      const seen: Wake[] = [];
      consume(queue, async (woken) => {
        seen.push(woken);
        return done;
      });
      const wake = newWake(3_600_000);
      await queue.wake([wake]);

      const [job] = await queue.bullQueue().getDelayed();
      await job?.promote();

      await until(() => expect(seen).toEqual([withoutTime(wake)]));
      await untilEmpty(queue);
    });

    test("counts tell what waits and what is delayed", async () => {
      const queue = await openQueue();

      await queue.wake([newWake(0), newWake(60_000), newWake(60_000)]);

      expect(await queue.counts()).toMatchObject({ waiting: 1, delayed: 2, active: 0, failed: 0, completed: 0 });
    });

    test("counts up to a number say that number of whatever is more, and are right up to it", async () => {
      const queue = await openQueue();

      await queue.wake([newWake(0), newWake(60_000), newWake(60_000), newWake(60_000)]);

      expect(await queue.counts({ upTo: 3 })).toMatchObject({
        waiting: 1,
        delayed: 3,
        active: 0,
        failed: 0,
        completed: 0,
      });
      const { delayed } = await queue.counts({ upTo: 2 });
      expect(delayed).toBeGreaterThanOrEqual(2);
      await queue.bullQueue().pause();
      expect(await queue.counts({ upTo: 3 })).toMatchObject({ waiting: 0, paused: 1 });
    });

    test("check finds a server that can be relied on, and says when the queue is paused", async () => {
      const queue = await openQueue();
      expect(await queue.check()).toMatchObject({ backend: queue.backend, isReachable: true, problems: [] });

      await queue.bullQueue().pause();

      expect((await queue.check()).warnings).toContainEqual(expect.stringContaining("paused"));
    });

    test("settings are written again after they were lost", async () => {
      const queue = await openQueue();
      const backend = queue.bullQueue().getBackend();
      await queue.applySettings();
      await backend.removeQueueMetaFields(["opts.maxLenEvents"]);

      await queue.applySettings();

      expect(await backend.getQueueMetaField("opts.maxLenEvents")).toBe("1000");
    });
  });
}

/** A new wake that is due `milliseconds` from now. */
export function newWake(milliseconds: number): TimedWake {
  return { executionId: randomUUID(), generation: 3, at: new Date(Date.now() + milliseconds) };
}

function withoutTime({ executionId, generation }: TimedWake): Wake {
  return { executionId, generation };
}

/** A promise that is kept by hand. */
export function signal(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((resolvePromise) => {
    resolve = resolvePromise;
  });
  return { promise, resolve };
}

function until(assertion: () => void | Promise<void>, timeout = 10_000): Promise<void> {
  return vi.waitFor(assertion, { timeout, interval: 20 });
}

async function untilEmpty(queue: WakeQueue): Promise<void> {
  await until(async () => {
    const counts = await queue.counts();
    expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(0);
  });
}
