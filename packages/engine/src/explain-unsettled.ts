import type { Queryable } from "@dripline/db/database";
import { readExecutionStandings } from "@dripline/db/queries/read-execution-standings";
import { maySendAgain } from "@dripline/domain/may-send-again";
import type { EnrollmentStatus, ExecutionStatus } from "@dripline/domain/statuses";
import type { SettleDoubts } from "./settle-doubts.ts";

/** Why a settlement left an execution alone. */
export type Unsettled = { readonly executionId: string } & (
  | { readonly kind: "unknown" }
  | { readonly kind: "not_in_doubt"; readonly status: ExecutionStatus }
  /** Only for `resend`: nobody who was taken out of a sequence gets another copy. */
  | { readonly kind: "enrollment_ended"; readonly enrollmentStatus: EnrollmentStatus }
  /** Somebody published the sequence, or touched the enrollment, in the same moment: it can be settled now. */
  | { readonly kind: "changed_meanwhile" }
);

/** Says of each of these, which `settleDoubts` did not settle, why. Ask in the transaction in which it was tried. */
export async function explainUnsettled(
  tx: Queryable,
  executionIds: readonly string[],
  as: SettleDoubts["as"],
): Promise<Unsettled[]> {
  if (executionIds.length === 0) return [];
  const standings = await readExecutionStandings(tx, executionIds);
  return executionIds.map((executionId) => {
    const standing = standings.get(executionId.toLowerCase());
    if (standing === undefined) return { executionId, kind: "unknown" };
    const { status, enrollmentStatus, hasAdvanced } = standing;
    if (status !== "in_doubt") return { executionId, kind: "not_in_doubt", status };
    if (as === "resend" && !maySendAgain(enrollmentStatus, hasAdvanced)) {
      return { executionId, kind: "enrollment_ended", enrollmentStatus };
    }
    return { executionId, kind: "changed_meanwhile" };
  });
}
