import { type Database, inTransaction } from "@dripline/db/database";
import { editableVersion } from "@dripline/db/queries/editable-version";
import { bumpRevision, lockSequence } from "@dripline/db/queries/lock-sequence";
import { findStepsOfVersions } from "@dripline/db/queries/read-sequence-steps";
import { type ListedStep, replaceSteps } from "@dripline/db/queries/replace-steps";
import { REAL_PACE } from "@dripline/domain/delay";
import { type PublishRequest, type PublishResult, publishDraft } from "../publish-draft.ts";

/** Edits and publishes for tests, with the statements that the API uses. */

/** Makes what `edit` answers the steps of the sequence's editable version; each step it keeps is the same step. */
export async function editSteps(
  db: Database,
  sequenceId: string,
  now: Date,
  edit: (steps: ListedStep[]) => ListedStep[],
): Promise<{ readonly versionNumber: number; readonly isDraft: boolean; readonly stepIds: string[] }> {
  return inTransaction(db, async (tx) => {
    const sequence = await lockSequence(tx, sequenceId);
    if (sequence === undefined) throw new Error(`there is no sequence ${sequenceId}`);
    const version = await editableVersion(tx, sequence, { now, createdBy: null });
    const listed = (await findStepsOfVersions(tx, [version.id])).map((row) => ({
      id: row.id,
      name: row.name,
      templateId: row.email_template,
      delay: { value: row.delay_value, unit: row.delay_unit },
      maxLateness: row.max_lateness,
      latePolicy: row.late_policy,
      isActive: row.is_active,
    }));
    const replaced = await replaceSteps(tx, sequence, version, edit(listed), now);
    if (replaced.kind !== "replaced") throw new Error(`not replaced: ${JSON.stringify(replaced)}`);
    await bumpRevision(tx, sequenceId, now);
    const after = await findStepsOfVersions(tx, [version.id]);
    return { ...version, stepIds: after.map((row) => row.id) };
  });
}

/** A step that is new, with the template of another one. */
export function newStep(like: ListedStep | undefined, values: Partial<ListedStep> = {}): ListedStep {
  return { ...kept(like), id: undefined, name: "New", ...values };
}

/** The same step with other content. */
export function changed(step: ListedStep | undefined, values: Partial<ListedStep>): ListedStep {
  return { ...kept(step), ...values };
}

export function kept(step: ListedStep | undefined): ListedStep {
  if (step === undefined) throw new Error("there is no such step");
  return step;
}

/** Publishes as the API does, and follows unless said otherwise. */
export function publish(
  db: Database,
  sequenceId: string,
  now: Date,
  request: Partial<PublishRequest> = {},
): Promise<PublishResult> {
  return inTransaction(db, async (tx) => {
    const sequence = await lockSequence(tx, sequenceId);
    if (sequence === undefined) throw new Error(`there is no sequence ${sequenceId}`);
    const standard = { inFlight: "follow", isDryRun: false, now, pace: REAL_PACE, actor: "test" } as const;
    return publishDraft(tx, sequence, { ...standard, ...request });
  });
}
