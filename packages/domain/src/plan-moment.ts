/**
 * Between which moments a plan may begin, both included. What lies outside is a slip of the pen; and delays of many years
 * on top of a moment far away lead to years that no date-time can be written of.
 */
export const PLAN_MOMENTS = Object.freeze({
  min: new Date("2000-01-01T00:00:00Z"),
  max: new Date("2100-01-01T00:00:00Z"),
});

/** What to tell somebody who asked for a plan from another moment, after its name; undefined if a plan may begin then. */
export function problemWithPlanMoment(at: Date): string | undefined {
  if (at >= PLAN_MOMENTS.min && at <= PLAN_MOMENTS.max) return undefined;
  return "is not between 2000-01-01T00:00:00Z and 2100-01-01T00:00:00Z, where plans can begin";
}
