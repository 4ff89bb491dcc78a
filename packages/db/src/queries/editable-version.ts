import { eq } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { newId } from "../new-id.ts";
import { sequenceStep } from "../schema/sequences.ts";
import type { LockedSequence } from "./lock-sequence.ts";

/** A version whose steps may be changed until the transaction ends. */
export interface EditableVersion {
  readonly id: string;
  readonly versionNumber: number;
  readonly isDraft: boolean;
}

/**
 * The version that edits of a sequence go to: its draft; else its current version, as long as nobody was ever enrolled
 * in it; else a draft that is opened now, with the current version's steps under the same keys. Locks its row, and
 * with it waits for enrollments under way. Call `lockSequence` before.
 */
export async function editableVersion(
  tx: Queryable,
  sequence: LockedSequence,
  { now, createdBy }: { readonly now: Date; readonly createdBy: string | null },
): Promise<EditableVersion> {
  const draft = await lockDraft(tx, sequence.id);
  if (draft !== undefined) return draft;
  const current = await lockVersion(tx, sequence.id, sequence.currentVersionNumber);
  // A statement of its own: the lock may have waited for somebody who was just being enrolled.
  const enrolled = await tx.query("select from sequence_enrollment where version_id = $1 limit 1", [current.id]);
  return enrolled.rowCount === 0 ? current : openDraft(tx, sequence, current, { now, createdBy });
}

/** The sequence's draft, locked, if it has one. */
export async function lockDraft(tx: Queryable, sequenceId: string): Promise<EditableVersion | undefined> {
  const { rows } = await tx.query<{ id: string; version_number: number }>(
    "select id, version_number from sequence_version where sequence_id = $1 and published_at is null for update",
    [sequenceId],
  );
  const [row] = rows;
  return row && { id: row.id, versionNumber: row.version_number, isDraft: true };
}

async function lockVersion(tx: Queryable, sequenceId: string, versionNumber: number): Promise<EditableVersion> {
  // Enrolling takes a key share lock on the version's row (its foreign key): whoever is enrolling now is waited for,
  // and whoever comes after waits until the edit is there.
  const { rows } = await tx.query<{ id: string }>(
    "select id from sequence_version where sequence_id = $1 and version_number = $2 for update",
    [sequenceId, versionNumber],
  );
  const [row] = rows;
  if (row === undefined) throw new Error(`sequence ${sequenceId} has no version ${versionNumber}`);
  return { id: row.id, versionNumber, isDraft: false };
}

async function openDraft(
  tx: Queryable,
  sequence: LockedSequence,
  current: EditableVersion,
  { now, createdBy }: { readonly now: Date; readonly createdBy: string | null },
): Promise<EditableVersion> {
  const id = newId();
  const { rows } = await tx.query<{ version_number: number }>(
    `insert into sequence_version (id, sequence_id, version_number, created_by, created_at)
     select $1, $2, max(version_number) + 1, $3, $4 from sequence_version where sequence_id = $2
     returning version_number`,
    [id, sequence.id, createdBy, now],
  );
  const steps = await orm(tx).select().from(sequenceStep).where(eq(sequenceStep.versionId, current.id));
  if (steps.length > 0) {
    await orm(tx)
      .insert(sequenceStep)
      .values(steps.map((step) => ({ ...step, id: newId(), versionId: id })));
  }
  return { id, versionNumber: Number(rows[0]?.version_number), isDraft: true };
}

/** Throws a draft away with its steps. Nobody is enrolled in it. */
export async function deleteDraft(tx: Queryable, draft: EditableVersion): Promise<void> {
  await tx.query("delete from sequence_version where id = $1 and published_at is null", [draft.id]);
}
