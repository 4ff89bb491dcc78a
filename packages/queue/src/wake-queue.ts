import type { Queue } from "bullmq";
import type { TimedWake, Wake } from "./wake.ts";

/** What the handler of a wake says when it is through: never mind, or look again at that time. */
export type WakeVerdict = { kind: "done" } | { kind: "again"; at: Date };

/**
 * `losses`: how many workers died, or were silent for too long, with this wake in their hands since a handler last said
 * something about it. Whoever was in the same process has them as well: more than 0 is a suspicion, no proof.
 */
export type WakeHandler = (wake: Wake, losses: number) => Promise<WakeVerdict>;

export type ConsumeOptions = {
  /** How many wakes this process handles at a time. The PostgreSQL backend takes at most 10 (see postgres-wake-queue.ts). */
  concurrency: number;
  /** The clock of the handler's verdicts, where it is not that of this machine. */
  now?: () => Date;
  /** Told about everything that went wrong and was dealt with: nothing here needs an answer. It must not throw. */
  onError(error: Error): void;
  /** Only tests change this: how long a worker may be silent before its wakes are given to another. */
  lock?: LockTimes;
};

export type LockTimes = { lockMilliseconds: number; stalledCheckMilliseconds: number };

/** One process's share in handling wakes. */
export interface WakeConsumer {
  /** Resolves when this consumer is connected and takes wakes. While the backend is down it waits. */
  whenReady(): Promise<void>;
  /**
   * Takes no more wakes and waits for those that run: "drained" when all of them ended, "grace_over" when some did not
   * within the grace period. Those are given to another consumer as if this process had died; the process may exit.
   */
  close(graceMilliseconds: number): Promise<"drained" | "grace_over">;
}

/** The state of the backend, in sentences an operator can act on. */
export type QueueHealth = {
  backend: WakeQueue["backend"];
  isReachable: boolean;
  /** Such as "Redis 7.2.4"; undefined when it cannot be reached. */
  version: string | undefined;
  /** What must be changed before this can be relied on, and how. Empty when all is well. */
  problems: readonly string[];
  /** What is worth knowing. */
  warnings: readonly string[];
};

/**
 * A queue of wakes with a time each. It may lose, double or delay them without harm: the database says what is due.
 *
 * Two implementations exist, redis-wake-queue.ts and postgres-wake-queue.ts; one conformance suite runs against both.
 */
export interface WakeQueue {
  readonly backend: "redis" | "postgres";
  /**
   * Queues each wake for its time. A wake that is queued already stays as it is; `rescue` queues it another time under
   * a name of its own. Wakes beyond `queueHorizonDays` are left out. Throws within a few seconds when the backend does
   * not answer; some of the wakes may have been queued then, and doing it again is harmless.
   */
  wake(wakes: readonly TimedWake[], options?: { rescue?: string }): Promise<void>;
  /**
   * Handles wakes from now on, each at its time or later. A wake whose handler throws, or whose process dies, comes
   * again: handlers must stand being called twice, also at the same moment.
   */
  consume(handler: WakeHandler, options: ConsumeOptions): WakeConsumer;
  /** Looks at the backend. Never throws and never takes longer than a few seconds. */
  check(): Promise<QueueHealth>;
  /**
   * Number of jobs by state (`waiting`, `active`, `delayed`, `failed`, …). With `upTo`, a state that has more than that may
   * be said to have just as many: the PostgreSQL backend reads an index entry, or else a whole row, for each job it counts.
   */
  counts(options?: { readonly upTo?: number }): Promise<Record<string, number>>;
  /** Writes the queue's own settings again: FLUSHALL takes them away. For sweeps; cheap. */
  applySettings(): Promise<void>;
  /** The BullMQ queue, for Bull Board and nothing else. */
  bullQueue(): Queue;
  /** Closes connections; consumers are to be closed before. Never takes longer than a few seconds. */
  close(): Promise<void>;
}
