import type { ExecutionFacts } from "@dripline/db/load-facts";
import type { Pace } from "@dripline/domain/delay";
import { type NextStepPlan, planNextStep } from "@dripline/domain/next-step";
import { resolveZone } from "@dripline/domain/time-zone";

/**
 * What comes after this step, counted from the moment it was over. null if the enrollment has gone on from here before:
 * an email in doubt that is sent again, or settled, opens nothing a second time.
 */
export function planAfter(facts: ExecutionFacts, from: Date, pace: Pace): NextStepPlan | null {
  if (facts.execution.hasAdvanced) return null;
  const { schedule, contact, company, enrollment, laterSteps } = facts;
  return planNextStep({
    steps: laterSteps,
    afterStepNumber: 0, // the later steps are already those that this person has still to get
    from,
    enrollmentId: enrollment.id,
    schedule,
    zone: resolveZone(schedule, { contact: contact.timezone, company: company?.timezone ?? null }),
    pace,
  });
}
