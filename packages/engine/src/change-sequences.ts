import type { MovedBy } from "@dripline/db/arrow";
import { patientTransaction } from "@dripline/db/bulk-statement";
import type { Queryable } from "@dripline/db/database";
import { sequenceStatuses } from "@dripline/db/queries/sequence-status";
import { type Judgement, judgeSequence } from "@dripline/domain/judge-action";
import type { SequenceStatus } from "@dripline/domain/statuses";
import { moveSequences } from "./sequence-lifecycle.ts";
import type { PendingWake } from "./wake-after-commit.ts";

export interface ChangeSequencesRequest extends MovedBy {
  readonly sequenceIds: readonly string[];
  readonly to: SequenceStatus;
  /** Answers the same, and writes nothing. */
  readonly isDryRun: boolean;
}

export interface SequenceChange {
  readonly sequenceId: string;
  /** Before; null if there is no such sequence. */
  readonly status: SequenceStatus | null;
  readonly judgement: Judgement<"already_done" | "sequence_archived" | "not_found">;
}

/**
 * Makes many sequences active, paused or archived, and says of each, in the order of the request, what became of it. Call
 * it in a transaction: those that exist are locked, so that what is said is what happened.
 */
export async function changeSequences(
  tx: Queryable,
  { sequenceIds, to, isDryRun, ...by }: ChangeSequencesRequest,
): Promise<{ readonly changes: readonly SequenceChange[]; readonly wakes: readonly PendingWake[] }> {
  const patient = await patientTransaction(tx);
  const statuses = await sequenceStatuses(patient, sequenceIds, { locks: !isDryRun });
  const changes = [...new Set(sequenceIds)].map((sequenceId) => judge(sequenceId, statuses.get(sequenceId), to));
  const moving = changes.filter(({ judgement }) => judgement.kind === "moves").map(({ sequenceId }) => sequenceId);
  if (isDryRun || moving.length === 0) return { changes, wakes: [] };
  const { wakes } = await moveSequences(patient, moving, to, by);
  return { changes, wakes };
}

function judge(sequenceId: string, status: SequenceStatus | undefined, to: SequenceStatus): SequenceChange {
  if (status !== undefined) return { sequenceId, status, judgement: judgeSequence(status, to) };
  const message = `There is no sequence ${sequenceId}.`;
  return { sequenceId, status: null, judgement: { kind: "stays", reason: "not_found", message } };
}
