import { setTimeout as wait } from "node:timers/promises";
import type { SinkEntry } from "../sink/sink-entry.ts";
import type { Person } from "./plan-people.ts";

/** People who follow the link in an email that they got. */
export interface Unsubscribing {
  /** Tell it of every message that the sink accepts. */
  onArrival(entry: SinkEntry): void;
  /** Resolves when everybody who began was answered. */
  settled(): Promise<void>;
}

export function unsubscribePeople(people: readonly Person[]): Unsubscribing {
  const waiting = new Map(people.flatMap((p) => (p.unsubscribesAfter === null ? [] : [[p.recipient, p] as const])));
  const arrived = new Map<string, Set<string>>();
  const underWay: Promise<void>[] = [];
  return {
    onArrival({ recipient, messageId, unsubscribeUrl }) {
      const person = waiting.get(recipient);
      if (person === undefined || unsubscribeUrl === null) return;
      const messages = arrived.get(recipient) ?? new Set();
      arrived.set(recipient, messages.add(messageId ?? ""));
      if (messages.size < (person.unsubscribesAfter ?? 0)) return;
      waiting.delete(recipient);
      underWay.push(post(unsubscribeUrl));
    },
    async settled() {
      await Promise.all(underWay);
    },
  };
}

/** One-click unsubscribe (RFC 8058), until it is answered with 200. */
async function post(url: string): Promise<void> {
  for (;;) {
    try {
      const response = await fetch(url, {
        method: "POST",
        body: new URLSearchParams({ "List-Unsubscribe": "One-Click" }),
        signal: AbortSignal.timeout(8_000),
      });
      await response.arrayBuffer();
      if (response.status === 200) return;
    } catch {
      // as after any other answer than 200
    }
    await wait(500);
  }
}
