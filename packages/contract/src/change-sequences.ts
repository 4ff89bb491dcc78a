import { SequenceStatus } from "@dripline/domain/statuses";
import { z } from "zod";
import { sequenceFilters } from "./email-sequences.ts";
import { Id } from "./fields.ts";
import { defineOperation } from "./operation.ts";
import { checkSelection, selectionCounts, selectionFields } from "./selection.ts";

/** An answer has a line for each. */
export const sequencesMax = 1_000;

export const SequenceAction = z.enum(["activate", "pause", "archive"]);
export type SequenceAction = z.infer<typeof SequenceAction>;

export const ChangeSequencesInput = z
  .strictObject({ action: SequenceAction, ...selectionFields(sequencesMax, sequenceFilters) })
  .check(checkSelection)
  .meta({ id: "ChangeSequencesInput", examples: [{ action: "pause", filter: { status: "active", search: "trial" } }] });

export const ChangedSequences = z
  .strictObject({
    action: SequenceAction,
    ...selectionCounts,
    results: z.array(
      z.strictObject({
        id: Id,
        outcome: z.enum(["changed", "unchanged"]),
        status: SequenceStatus.nullable().describe("Afterwards; null if there is no such sequence"),
        reason: z
          .enum(["already_done", "sequence_archived", "not_found"])
          .nullable()
          .describe("Why it did not change; null if it did"),
        message: z.string(),
      }),
    ),
  })
  .meta({ id: "ChangedSequences" });

export const changeSequences = defineOperation({
  id: "changeSequences",
  method: "POST",
  path: "/api/v1/email-sequences/bulk/",
  summary: "Activate, pause or archive many sequences",
  description:
    "As `resume`, `pause` and `archive` do with one; all of them in one transaction. The answer says of each whether it changed, and if not, why.",
  tag: "email-sequences",
  auth: "key",
  body: ChangeSequencesInput,
  success: 200,
  output: ChangedSequences,
  errors: ["too_many_matches"],
});
