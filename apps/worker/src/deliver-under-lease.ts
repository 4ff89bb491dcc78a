import type { Claim } from "@dripline/db/claim-executions";
import type { MarkRequest } from "@dripline/db/mark-data";
import type { OutgoingMessage, Reply } from "@dripline/mail/transport";
import type { OpenSpan } from "@dripline/telemetry/spans";
import type { SendDeps } from "./send-deps.ts";
import { statementsOn } from "./statements.ts";
import { watchDelivery } from "./watch-delivery.ts";

type Window = Pick<MarkRequest, "openUntil" | "scheduleUpdatedAt">;

/** No answer from our own database at the decisive moment: the transport guarantees that no body byte left. */
export type Unmarked = { readonly kind: "unmarked"; readonly error: unknown };

export interface Delivery {
  readonly reply: Reply | Unmarked;
  /** Until then nobody else touches the row: so long the reply can still be recorded. By the database's clock. */
  readonly leaseEndsAt: Date;
}

/**
 * Hands the message to the mail server. After the server's "354" and before the first body byte the row is marked
 * `data`: from that commit on, a crash is in doubt. If the mark cannot be made, nothing leaves.
 */
export function deliverUnderLease(
  deps: SendDeps,
  claim: Claim,
  message: OutgoingMessage,
  window: Window,
): Promise<Delivery> {
  const about = { "dripline.execution_id": claim.executionId, "dripline.attempt": claim.attemptCount };
  return deps.spans.run("deliver", about, (span) => deliver(deps, claim, message, window, span));
}

async function deliver(
  deps: SendDeps,
  { executionId, generation }: Claim,
  message: OutgoingMessage,
  window: Window,
  span: OpenSpan,
): Promise<Delivery> {
  const { claimSeconds, dataSeconds } = deps.leases;
  let leaseEndsAt = secondsFromNow(deps, claimSeconds);
  const watched = watchDelivery(deps.metrics, span);
  try {
    const askToMark = async () => {
      deps.onCheckpoint("asked", executionId);
      const endsAt = secondsFromNow(deps, dataSeconds);
      const mark = { executionId, generation, ...window, leaseSeconds: dataSeconds };
      const isMarked = (await statementsOn(deps.db).markData(mark)) === true;
      if (isMarked) leaseEndsAt = endsAt;
      deps.onCheckpoint("marked", executionId);
      // A process that stood still since the mark was asked for comes here when the email may be in doubt, the next step
      // sent and the person unsubscribed: nothing may leave then.
      return isMarked && deps.now() < leaseEndsAt;
    };
    const reply = await deps.transport.deliver(message, askToMark, watched.entered);
    watched.ended(reply);
    return { reply, leaseEndsAt };
  } catch (error) {
    watched.ended(undefined);
    return { reply: { kind: "unmarked", error }, leaseEndsAt };
  }
}

function secondsFromNow(deps: SendDeps, seconds: number): Date {
  return new Date(deps.now().getTime() + seconds * 1_000);
}
