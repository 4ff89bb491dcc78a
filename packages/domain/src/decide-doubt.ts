import { ATTEMPTS_MAX, backoffMilliseconds } from "./backoff.ts";
import type { Pace } from "./delay.ts";
import type { InDoubtPolicy } from "./statuses.ts";
import { unreachable } from "./unreachable.ts";

export type DoubtDecision =
  /** It stays in doubt, and the next step follows: at most once. */
  | { readonly kind: "advance" }
  /** It stays in doubt until an operator settles it; `note` says why, where the policy alone does not. */
  | { readonly kind: "hold"; readonly note: string }
  /** The same message goes out again: at least once. */
  | { readonly kind: "resend"; readonly at: Date };

/**
 * What happens to an email of which nobody can know whether it was delivered. Sending again is an attempt like any
 * other: it waits, and it is not done for ever.
 *
 * @param attemptCount the one that is in doubt included
 */
export function decideDoubt(
  policy: InDoubtPolicy,
  execution: { readonly executionId: string; readonly attemptCount: number; readonly hasAdvanced: boolean },
  now: Date,
  pace: Pace,
): DoubtDecision {
  switch (policy) {
    case "advance":
      return execution.hasAdvanced ? { kind: "hold", note: "The sequence had gone on before." } : { kind: "advance" };
    case "hold":
      return { kind: "hold", note: "" };
    case "resend": {
      const { executionId, attemptCount } = execution;
      if (attemptCount >= ATTEMPTS_MAX) {
        return { kind: "hold", note: `That was attempt ${attemptCount} of ${ATTEMPTS_MAX}: an operator decides.` };
      }
      return { kind: "resend", at: new Date(now.getTime() + backoffMilliseconds(attemptCount, executionId, pace)) };
    }
    default:
      return unreachable(policy);
  }
}
