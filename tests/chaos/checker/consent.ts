import { isAccepted } from "../sink/sink-entry.ts";
import { clock } from "./deliveries.ts";
import type { Invariant } from "./invariant.ts";

/**
 * Nothing arrives after somebody opted out, but for what was at the mail server that moment: at most one lease, that of
 * an email in `data`.
 */
export const consent: Invariant = {
  name: "consent",
  violations({ run, sink, optOuts }) {
    const outSince = new Map(optOuts.map(({ recipient, at }) => [recipient, at]));
    return sink.filter(isAccepted).flatMap(({ recipient, at, messageId }) => {
      const since = outSince.get(recipient);
      if (since === undefined || at <= since + run.dataLeaseMilliseconds) return [];
      return [`${recipient} opted out at ${clock(since)}, and ${messageId} arrived at ${clock(at)}`];
    });
  },
};
