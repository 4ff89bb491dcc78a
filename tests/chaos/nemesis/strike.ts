import { setTimeout as wait } from "node:timers/promises";
import { unreachable } from "@dripline/domain/unreachable";
import type { Supervised } from "../services/supervised.ts";
import type { Stack } from "../stack.ts";
import type { PlannedFault } from "./plan-faults.ts";

/** Carries out one fault and returns what it struck when it is over. */
export async function strike(stack: Stack, fault: PlannedFault): Promise<string> {
  switch (fault.kind) {
    case "kill": {
      if (fault.isApi) return onProcess([stack.api], (process) => process.kill());
      return onProcess(inOrder(stack, fault.order), (process) => process.kill());
    }
    case "freeze":
      return onProcess(inOrder(stack, fault.order), (process) => process.freeze(fault.milliseconds));
    case "roll":
      return onProcess(inOrder(stack, fault.order), async (process) => {
        await process.roll();
        await process.whenReady();
      });
    case "flush":
      await redisOf(stack).flushAll();
      return "redis";
    case "redis_kill":
      await redisOf(stack).kill(fault.downMilliseconds);
      return "redis";
    case "postgres_restart":
      await stack.postgres.restartImmediately();
      return "postgres";
    case "sink_kill":
      await stack.sink.kill(fault.downMilliseconds);
      return "sink";
    case "black_hole":
      await proxyOf(stack, fault.proxy).blackHole(fault.milliseconds);
      return fault.proxy;
    case "reset_storm": {
      let links = 0;
      for (const pause of fault.pauses) {
        links += proxyOf(stack, fault.proxy).reset();
        await wait(pause);
      }
      return `${fault.proxy}: ${links} connections`;
    }
    case "delay":
      await proxyOf(stack, fault.proxy).delay(fault.milliseconds, fault.forMilliseconds);
      return fault.proxy;
    case "cut":
      return `${fault.proxy}: ${proxyOf(stack, fault.proxy).cutAfter(fault.bytes)} connections`;
    default:
      return unreachable(fault);
  }
}

/**
 * A process is left to work for so long before it is hit: one that dies as soon as it is up has nothing in its hands, and
 * where processes take long to start, nothing at all would be sent between the faults.
 */
const workingMilliseconds = 1_500;

/** Hits the first of them that is at work, waiting for one if all of them are starting or frozen. */
async function onProcess(
  candidates: readonly Supervised[],
  hit: (process: Supervised) => void | Promise<void>,
): Promise<string> {
  for (;;) {
    const process = candidates.find((candidate) => candidate.isReady(workingMilliseconds) && !candidate.isFrozen());
    if (process !== undefined) {
      await hit(process);
      return process.name;
    }
    await wait(20);
  }
}

function inOrder(stack: Stack, order: readonly number[]): Supervised[] {
  return order.flatMap((index) => stack.workers[index] ?? []);
}

function redisOf(stack: Stack): NonNullable<Stack["redis"]> {
  if (stack.redis === undefined) throw new Error("this profile plans faults for Redis and runs without one");
  return stack.redis;
}

function proxyOf(stack: Stack, name: "postgres" | "redis" | "smtp"): Stack["proxies"]["smtp"] {
  const proxy = stack.proxies[name];
  if (proxy === undefined) throw new Error(`this profile plans faults on the way to ${name} and runs without one`);
  return proxy;
}
