import type { Queryable } from "../database.ts";

export interface LockedSequence {
  readonly id: string;
  readonly revision: number;
  readonly name: string;
  readonly currentVersionNumber: number;
}

/**
 * Takes a sequence for an edit: whoever edits, publishes or enrolls at the same time waits for the end of this
 * transaction. Rows that refer to the sequence by its key alone can still be written. Undefined if there is no such
 * sequence.
 */
export async function lockSequence(tx: Queryable, sequenceId: string): Promise<LockedSequence | undefined> {
  const { rows } = await tx.query<LockedSequence>(
    `select id, revision, name, current_version_number as "currentVersionNumber" from email_sequence
     where id = $1 for no key update`,
    [sequenceId],
  );
  return rows[0];
}

/** The sequence that has a step with this id in some version, locked, and the step's key; undefined if there is none. */
export async function lockSequenceOfStep(
  tx: Queryable,
  stepId: string,
): Promise<{ readonly sequence: LockedSequence; readonly stepKey: string } | undefined> {
  const { rows } = await tx.query<{ sequence_id: string; step_key: string }>(
    `select v.sequence_id, st.step_key from sequence_step st join sequence_version v on v.id = st.version_id
     where st.id = $1`,
    [stepId],
  );
  const [step] = rows;
  const sequence = step && (await lockSequence(tx, step.sequence_id));
  return sequence && step && { sequence, stepKey: step.step_key };
}

/** Says that the sequence, its draft or its steps were edited, and answers the new revision. */
export async function bumpRevision(tx: Queryable, sequenceId: string, now: Date): Promise<number> {
  const { rows } = await tx.query<{ revision: number }>(
    "update email_sequence set revision = revision + 1, updated_at = $2 where id = $1 returning revision",
    [sequenceId, now],
  );
  const [row] = rows;
  if (row === undefined) throw new Error(`there is no sequence ${sequenceId}`);
  return row.revision;
}
