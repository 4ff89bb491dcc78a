import type { SendFacts } from "./decide-send.ts";
import type { Pace } from "./delay.ts";
import { zoneOf } from "./gate.ts";
import { DAY } from "./local-time.ts";
import { scheduleFault } from "./schedule-fault.ts";
import { planSendTime } from "./send-time.ts";
import { spreadSeed } from "./spread-seed.ts";

/** Up to here an email is on its way; a longer wait is a backlog, of an outage or of a limit. */
const overdueMilliseconds = 15 * 60_000;

/**
 * How far behind its plan an email is: `now` minus the moment in a window that its due time leads to. Nights, weekends
 * and holidays are not lateness; an outage, a limit, retries and a closed schedule that was opened are. Negative before
 * its time.
 */
export function latenessMilliseconds(facts: SendFacts, now: Date): number {
  const { execution, enrollment, schedule } = facts;
  const sinceDue = now.getTime() - execution.dueAt.getTime();
  if (sinceDue <= 0) return sinceDue;
  const { zone } = zoneOf(facts);
  if (scheduleFault(schedule, zone) !== null) return sinceDue;
  const seed = spreadSeed(enrollment.id, execution.stepKey);
  const plan = planSendTime({ schedule, zone, dueAt: execution.dueAt, seed });
  return plan.kind === "never" ? sinceDue : now.getTime() - plan.at.getTime();
}

/**
 * Whether an email is part of a backlog, because it is far behind or because it waited for a pause to end: one person
 * gets such emails one at a time.
 */
export function isOverdue(facts: SendFacts, now: Date, pace: Pace): boolean {
  if (facts.execution.catchesUp) return true;
  const limit = (overdueMilliseconds * pace.dayMilliseconds) / DAY;
  // The due time is never after the plan, so most emails need no look into the calendar.
  if (now.getTime() - facts.execution.dueAt.getTime() <= limit) return false;
  return latenessMilliseconds(facts, now) > limit;
}
