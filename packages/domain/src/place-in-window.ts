import type { SendFacts } from "./decide-send.ts";
import { zoneOf } from "./gate.ts";
import { scheduleFault } from "./schedule-fault.ts";
import { describeDeferral, planSendTime } from "./send-time.ts";
import { spreadSeed } from "./spread-seed.ts";

/** Where a moment that somebody wants an email to go out at stands in its schedule. `why` is a sentence for operators. */
export type PlaceInWindow =
  /** A window is open then. */
  | { readonly kind: "open"; readonly at: Date }
  /** None is; `at` is the email's own place after the next opening. */
  | { readonly kind: "later"; readonly at: Date; readonly opensAt: Date; readonly why: string }
  /** None opens within 400 days, or zone or calendar are not known to this machine. */
  | { readonly kind: "never"; readonly why: string };

/** The same that planning and the look before the send make of a due time, for a moment that a person chose. */
export function placeInWindow(facts: SendFacts, at: Date): PlaceInWindow {
  const { schedule, enrollment, execution } = facts;
  const { zone } = zoneOf(facts);
  const fault = scheduleFault(schedule, zone);
  if (fault !== null) return { kind: "never", why: fault.message };
  const plan = planSendTime({ schedule, zone, dueAt: at, seed: spreadSeed(enrollment.id, execution.stepKey) });
  if (plan.kind === "open") return { kind: "open", at: plan.at };
  const why = capitalized(`${describeDeferral({ plan, zone, dueAt: at, schedule })}.`);
  return plan.kind === "never"
    ? { kind: "never", why }
    : { kind: "later", at: plan.at, opensAt: plan.window.start, why };
}

function capitalized(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}
