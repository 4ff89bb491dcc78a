import { MINUTE } from "./local-time.ts";
import type { Schedule } from "./schedule.ts";
import { seededFraction } from "./seeded-fraction.ts";
import { planSendTime, type SendTimePlan } from "./send-time.ts";
import { nextWindow } from "./window.ts";

/**
 * When an email goes out that became due by an edit: for many people at the same moment, so they are spread over the
 * schedule's `spreadMinutes` from `now` on if a window is open, never past its end; else after the next opening, as any
 * deferred email. The seed decides the place; the answer is the same every time.
 */
export function spreadFromNow({
  schedule,
  zone,
  now,
  seed,
}: {
  readonly schedule: Schedule;
  readonly zone: string;
  readonly now: Date;
  readonly seed: string;
}): SendTimePlan {
  const window = nextWindow(schedule, zone, now);
  if (window === null || window.start > now) return planSendTime({ schedule, zone, dueAt: now, seed });
  const spread = Math.min(schedule.spreadMinutes * MINUTE, window.end.getTime() - now.getTime());
  return { kind: "open", at: new Date(now.getTime() + Math.floor(seededFraction(seed) * spread)) };
}
