import type { SendFacts } from "./decide-send.ts";
import { type DeliveryBackoff, deferUnderBackoff, describeBackoff, TRANSPORT_SCOPE } from "./delivery-backoff.ts";
import { describeInstant } from "./describe-instant.ts";
import { type Gate, type GateData, readingZone, zoneOf } from "./gate.ts";
import { scheduleFault } from "./schedule-fault.ts";

/**
 * Whether the mail server, and the recipient's domain, take emails at their own pace. `backoffs` are those scopes of this
 * email that are slowed down. Of an email that is planned for later only a turn that comes after its plan counts.
 */
export function backoffGates(facts: SendFacts, at: Date, backoffs: readonly DeliveryBackoff[]): Gate[] {
  const transport = backoffs.find(({ scope }) => scope === TRANSPORT_SCOPE) ?? null;
  const domain = backoffs.find(({ scope }) => scope !== TRANSPORT_SCOPE) ?? null;
  return [
    backoffGate("transport", facts, at, transport, "The mail server is used as usual."),
    backoffGate("recipient_domain", facts, at, domain, "The recipient's domain is not slowed down."),
  ];
}

function backoffGate<N extends "transport" | "recipient_domain">(
  name: N,
  facts: SendFacts,
  at: Date,
  backoff: DeliveryBackoff | null,
  passedSentence: string,
): Gate<N> {
  const zone = zoneOf(facts);
  const isClosed = backoff !== null && backoff.nextAt > at && scheduleFault(facts.schedule, zone.zone) === null;
  return {
    name,
    decision: isClosed ? deferUnderBackoff(facts, zone, backoff, backoff.nextAt) : null,
    describe: () => ({
      sentence: backoff === null ? passedSentence : describe(facts, backoff),
      data: { backoff: backoff && toData(backoff) } as GateData[N],
    }),
  };
}

function describe(facts: SendFacts, backoff: DeliveryBackoff): string {
  const zone = readingZone(facts);
  return `${describeBackoff(backoff, zone)} The next one may try at ${describeInstant(backoff.nextAt, zone)}.`;
}

function toData({ reason, message, since, nextAt, intervalSeconds }: DeliveryBackoff) {
  return { reason, message, since, next_at: nextAt, interval_seconds: intervalSeconds };
}
