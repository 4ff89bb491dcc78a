import { ProblemError } from "./problem-error.ts";

/** Nobody plans further ahead; a year that was mistyped would otherwise keep somebody from their emails for good. */
const yearsMax = 10;

/** @throws ProblemError `validation_failed` at `pointer` if the moment is not in the future, or too far in it */
export function refuseUnlessWithinTenYears(pointer: string, at: Date, now: Date, advice = "nothing was changed"): void {
  const last = new Date(now);
  last.setUTCFullYear(now.getUTCFullYear() + yearsMax);
  if (at > now && at <= last) return;
  const detail = at <= now ? `is not in the future: it is ${now.toISOString()} now` : `is after ${last.toISOString()}`;
  throw new ProblemError("validation_failed", `${pointer} ${detail}; ${advice}.`, {
    errors: [{ pointer, code: "invalid", detail }],
  });
}
