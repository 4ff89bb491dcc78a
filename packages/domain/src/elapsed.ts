import { z } from "zod";
import { type Pace, REAL_PACE } from "./delay.ts";
import { DAY, MINUTE } from "./local-time.ts";

/** Ten years, as for delays. */
const minutesMax = 5_256_000;
const minutesOf = { minutes: 1, hours: 60, days: 1_440 } as const;

/** A length of time that has nothing to do with calendars: a day is 24 hours. */
export const Elapsed = z
  .object({
    value: z.int({ error: "is a whole number, zero or more" }).min(0, "is a whole number, zero or more"),
    unit: z.enum(["minutes", "hours", "days"], { error: 'is "minutes", "hours" or "days"' }),
  })
  .superRefine(({ value, unit }, context) => {
    if (value * minutesOf[unit] <= minutesMax) return;
    context.addIssue({ code: "custom", path: ["value"], message: "is longer than ten years" });
  });
export type Elapsed = z.infer<typeof Elapsed>;

/** How long it really takes, at the pace at which delays pass. */
export function elapsedMilliseconds({ value, unit }: Elapsed, pace: Pace = REAL_PACE): number {
  return Math.round((value * minutesOf[unit] * MINUTE * pace.dayMilliseconds) / DAY);
}

/** "4 hours", "1 day". */
export function describeElapsed({ value, unit }: Elapsed): string {
  return `${value} ${value === 1 ? unit.slice(0, -1) : unit}`;
}
