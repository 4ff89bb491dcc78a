import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { OutageProxy } from "./testing/outage-proxy.ts";
import { newWake, signal } from "./wake-queue.conformance.ts";
import type { ConsumeOptions, WakeConsumer, WakeHandler, WakeQueue, WakeVerdict } from "./wake-queue.ts";

const done: WakeVerdict = { kind: "done" };
const shortLock = { lockMilliseconds: 1_000, stalledCheckMilliseconds: 500 };
/** For "fails within a few seconds": the longest time-out in use is the 5 s of a statement. */
const failMilliseconds = 6_500;

export type OutageSetup = { serverUrl: string; defaultPort: number; open: (url: string) => WakeQueue };

/**
 * What every WakeQueue promises when its server is down, hangs or restarts. `setUp` gives the address of a server with
 * empty storage, and how to open a queue (as "worker") on such an address.
 */
export function wakeQueueOutages(name: string, setUp: () => Promise<OutageSetup>): void {
  describe(name, () => {
    let proxy: OutageProxy;
    let open: () => WakeQueue;
    const opened: WakeQueue[] = [];
    const consumers: WakeConsumer[] = [];
    const errors: Error[] = [];

    beforeEach(async () => {
      const setup = await setUp();
      const way = await OutageProxy.to(setup.serverUrl, setup.defaultPort);
      proxy = way.proxy;
      open = () => {
        const queue = setup.open(way.url);
        opened.push(queue);
        return queue;
      };
    });

    afterEach(async () => {
      await Promise.all(consumers.splice(0).map((consumer) => consumer.close(200)));
      await Promise.all(opened.splice(0).map((queue) => queue.close()));
      await proxy.goDown();
      errors.splice(0);
    });

    function consume(queue: WakeQueue, handler: WakeHandler, options: Partial<ConsumeOptions> = {}): WakeConsumer {
      const consumer = queue.consume(handler, { concurrency: 5, onError: (error) => errors.push(error), ...options });
      consumers.push(consumer);
      return consumer;
    }

    test("a server that is down at the start makes a wake fail fast, and work when it is there", async () => {
      await proxy.goDown();
      const queue = open();

      const startedAt = Date.now();
      await expect(queue.wake([newWake(0)])).rejects.toThrow(/cannot be reached/);
      expect(Date.now() - startedAt).toBeLessThan(2_000);
      expect(await queue.check()).toMatchObject({
        isReachable: false,
        problems: [expect.stringMatching(/cannot be reached/)],
      });

      await proxy.goUp();
      await until(() => queue.wake([newWake(60_000)]));
      expect(await queue.counts()).toMatchObject({ delayed: 1 });
      expect(await queue.check()).toMatchObject({ isReachable: true, problems: [] });
    });

    test("a server that goes down later makes a wake fail fast, and work when it is back", async () => {
      const queue = open();
      await queue.wake([newWake(60_000)]);
      await proxy.goDown();

      const startedAt = Date.now();
      await expect(queue.wake([newWake(0)])).rejects.toThrow();
      expect(Date.now() - startedAt).toBeLessThan(2_000);

      await proxy.goUp();
      await until(() => queue.wake([newWake(60_000)]));
      expect(await queue.counts()).toMatchObject({ delayed: 2 });
    });

    test("a server that hangs makes a wake and a check fail within seconds, and work when it goes on", async () => {
      const queue = open();
      await queue.wake([newWake(60_000)]);
      proxy.hang();

      const startedAt = Date.now();
      const checked = queue.check();
      await expect(queue.wake([newWake(60_000)])).rejects.toThrow();
      expect((await checked).isReachable).toBe(false);
      expect(Date.now() - startedAt).toBeLessThan(failMilliseconds);

      proxy.goOn();
      await until(() => queue.wake([newWake(60_000)]));
    });

    test("a consumer that was started while the server was down takes wakes when it is up", async () => {
      await proxy.goDown();
      const queue = open();
      let runs = 0;
      const consumer = consume(queue, async () => {
        runs += 1;
        return done;
      });

      await proxy.goUp();
      await consumer.whenReady();
      await until(() => queue.wake([newWake(0)]));

      await until(() => expect(runs).toBe(1));
    });

    test("a consumer outlives an outage and says so, but not without end", async () => {
      const queue = open();
      let runs = 0;
      const consumer = consume(queue, async () => {
        runs += 1;
        return done;
      });
      await consumer.whenReady();
      await queue.wake([newWake(0)]);
      await until(() => expect(runs).toBe(1));

      await proxy.goDown();
      await until(() => expect(errors.length).toBeGreaterThan(0));
      // The outage has to last for some time to show whether anything goes round in circles meanwhile.
      await until(() => expect(queue.wake([newWake(0)])).rejects.toThrow());
      await outage(2_000);
      const reported = errors.length;
      await proxy.goUp();

      expect(reported).toBeLessThan(30);
      await until(() => queue.wake([newWake(0)]));
      await until(() => expect(runs).toBe(2));
    });

    test("a wake whose handler was running when the server went down is not lost", async () => {
      const queue = open();
      let runs = 0;
      const mayEnd = signal();
      const handler: WakeHandler = async () => {
        runs += 1;
        if (runs > 1) return done;
        await mayEnd.promise;
        return { kind: "again", at: new Date(Date.now() + 100) };
      };
      consume(queue, handler, { lock: shortLock });
      await queue.wake([newWake(0)]);
      await until(() => expect(runs).toBe(1));

      await proxy.goDown();
      mayEnd.resolve();
      await outage(500);
      await proxy.goUp();

      await until(() => expect(runs).toBe(2), 15_000);
    });

    test("closing ends in time while the server is down", async () => {
      const queue = open();
      const consumer = consume(queue, async () => done);
      await consumer.whenReady();
      await proxy.goDown();

      const startedAt = Date.now();
      await consumer.close(1_000);
      await queue.close();

      expect(Date.now() - startedAt).toBeLessThan(5_000);
    });

    test("closing ends in time while the server hangs", async () => {
      const queue = open();
      const consumer = consume(queue, async () => done);
      await consumer.whenReady();
      proxy.hang();

      const startedAt = Date.now();
      await consumer.close(1_000);
      await queue.close();

      expect(Date.now() - startedAt).toBeLessThan(5_000);
    });
  });
}

function until(assertion: () => unknown, timeout = 10_000): Promise<unknown> {
  return vi.waitFor(assertion, { timeout, interval: 50 });
}

/** How long an outage lasts is part of what is tested, so this does wait for time to pass. */
function outage(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
