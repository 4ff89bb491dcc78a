import type { Queryable } from "@dripline/db/database";
import { readExecutionStandings } from "@dripline/db/queries/read-execution-standings";
import { maySendAgain } from "@dripline/domain/may-send-again";
import type { EnrollmentStatus, ExecutionStatus } from "@dripline/domain/statuses";

/** Why an operator's action left an execution where it is. */
export type Unmoved = { readonly executionId: string } & (
  | { readonly kind: "unknown" }
  /** It is in a state that the action does not leave; `holdReason` says why a pending one has no timer. */
  | { readonly kind: "wrong_status"; readonly status: ExecutionStatus; readonly holdReason: string | null }
  /** Nobody who was taken out of a sequence gets another email of it. */
  | { readonly kind: "enrollment_ended"; readonly enrollmentStatus: EnrollmentStatus }
);

/**
 * Says of an execution that an action did not move why. `leaves` are the states that the action can leave. Ask in the
 * transaction in which it was tried, with the row locked (`lockExecutions`): then it is what the action met.
 */
export async function explainUnmoved(
  tx: Queryable,
  executionId: string,
  leaves: readonly ExecutionStatus[],
): Promise<Unmoved> {
  const standing = (await readExecutionStandings(tx, [executionId])).get(executionId.toLowerCase());
  if (standing === undefined) return { executionId, kind: "unknown" };
  const { status, holdReason, enrollmentStatus, hasAdvanced } = standing;
  if (leaves.includes(status) && !maySendAgain(enrollmentStatus, hasAdvanced)) {
    return { executionId, kind: "enrollment_ended", enrollmentStatus };
  }
  return { executionId, kind: "wrong_status", status, holdReason }; // also what waits for a pause to end
}
