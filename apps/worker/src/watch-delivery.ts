import type { BodyStage, Reply } from "@dripline/mail/transport";
import type { OpenSpan } from "@dripline/telemetry/spans";
import type { SmtpPhase, WorkerMetrics } from "./worker-metrics.ts";

/** Which part of the delivery a stage of its message is the beginning of. */
const phaseOf: Readonly<Record<BodyStage, SmtpPhase>> = {
  queued: "connection",
  envelope: "envelope",
  asked: "mark",
  released: "body",
};

export interface WatchedDelivery {
  entered(stage: BodyStage): void;
  /** Undefined: none is known, because our own database did not answer. */
  ended(reply: Reply | undefined): void;
}

/** What a trace shows at the moment that a stage begins. */
const eventOf: Readonly<Record<BodyStage, string>> = {
  queued: "waits for a connection",
  envelope: "MAIL FROM",
  asked: "354: the server waits for the body",
  released: "the body leaves",
};

/** Measures how long each part of one delivery takes, and counts the reply. */
export function watchDelivery(metrics: WorkerMetrics, span: OpenSpan): WatchedDelivery {
  let phase = phaseOf.queued;
  let since = performance.now();

  function close(): void {
    const now = performance.now();
    metrics.smtpPhase(phase, (now - since) / 1_000);
    since = now;
  }

  return {
    entered(stage) {
      close();
      phase = phaseOf[stage];
      span.event(eventOf[stage]);
    },
    ended(reply) {
      tellReply(span, reply);
      // What was given up from this side took as long as we let it.
      if (reply === undefined || reply.kind === "called_off" || reply.kind === "fenced") return;
      close();
      metrics.smtpReply(reply);
    },
  };
}

/** By its kind and code: what a mail server says often has the address in it. */
function tellReply(span: OpenSpan, reply: Reply | undefined): void {
  span.event("reply");
  span.set({ "dripline.reply": reply?.kind ?? "unmarked" });
  if (reply !== undefined && "code" in reply && reply.code !== undefined) span.set({ "smtp.code": reply.code });
}
