import type { EnrollmentStatus, ExecutionStatus } from "@dripline/domain/statuses";
import type { Queryable } from "../database.ts";

/** Where an execution and its enrollment stand. */
export interface ExecutionStanding {
  readonly executionId: string;
  readonly status: ExecutionStatus;
  /** Only while pending: why it has no timer. */
  readonly holdReason: string | null;
  readonly enrollmentStatus: EnrollmentStatus;
  /** The enrollment has gone on from here. */
  readonly hasAdvanced: boolean;
}

/** Where these executions stand, by id. One that does not exist is missing from the answer. */
export async function readExecutionStandings(
  db: Queryable,
  executionIds: readonly string[],
): Promise<Map<string, ExecutionStanding>> {
  const { rows } = await db.query<{
    id: string;
    status: ExecutionStatus;
    hold_reason: string | null;
    enrollment_status: EnrollmentStatus;
    has_advanced: boolean;
  }>({
    name: "read-execution-standings",
    text: `select e.id, e.status, e.hold_reason, n.status as enrollment_status, e.has_advanced
           from step_execution e join sequence_enrollment n on n.id = e.enrollment_id where e.id = any($1)`,
    values: [executionIds],
  });
  return new Map(
    rows.map((row) => [
      row.id,
      {
        executionId: row.id,
        status: row.status,
        holdReason: row.hold_reason,
        enrollmentStatus: row.enrollment_status,
        hasAdvanced: row.has_advanced,
      },
    ]),
  );
}
