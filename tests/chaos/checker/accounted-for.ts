import type { ExecutionRow, History } from "../history/history.ts";
import { arrivalsByExecution, executionsByEnrollment } from "./deliveries.ts";
import type { Invariant } from "./invariant.ts";

const ended = new Set(["completed", "unsubscribed", "cancelled"]);

/** Every enrollment has ended, or something with a reason visibly holds it; no email is lost. */
export const accountedFor: Invariant = {
  name: "accounted for",
  violations(history) {
    const byEnrollment = executionsByEnrollment(history);
    const standing = history.enrollments.flatMap(({ id, status }) => {
      const executions = byEnrollment.get(id) ?? [];
      if (ended.has(status) || executions.some(isVisiblyHeld)) return [];
      const steps = executions.map((e) => `${e.stepNumber} ${e.status}`).join(", ");
      return [`enrollment ${id} is ${status}, and nothing holds it: ${steps}`];
    });
    return [
      ...standing,
      ...lostEmails(history).map((id) => `execution ${id} is lost: not delivered, and nowhere listed`),
    ];
  },
};

/** Emails that were to go out, did not arrive, and of which no list tells why. */
export function lostEmails(history: History): string[] {
  const arrivals = arrivalsByExecution(history);
  const byEnrollment = executionsByEnrollment(history);
  const unlisted = history.executions
    .filter((e) => !arrivals.has(e.id) && !isListed(e) && !isUnderWay(e))
    .map(({ id }) => id);
  // Somebody who completed must have had, or be listed with, every step: one that was never opened is lost as well.
  const missing = history.enrollments
    .filter(
      ({ id, status }) => status === "completed" && (byEnrollment.get(id)?.length ?? 0) < history.run.stepsPerSequence,
    )
    .map(({ id }) => `of enrollment ${id} that was never opened`);
  return [...unlisted, ...missing];
}

/** Late, and not lost: "drained" and "accounted for" say so. */
function isUnderWay({ status }: ExecutionRow): boolean {
  return status === "scheduled" || status === "sending";
}

function isVisiblyHeld({ status, holdReason, reasons }: ExecutionRow): boolean {
  if (status === "pending") return holdReason !== null;
  return (status === "failed" || status === "in_doubt") && reasons.length > 0;
}

function isListed({ status, holdReason, reasons }: ExecutionRow): boolean {
  if (status === "pending") return holdReason !== null;
  return (status === "failed" || status === "in_doubt" || status === "skipped") && reasons.length > 0;
}
