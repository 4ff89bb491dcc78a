import { z } from "zod";
import { Id } from "./fields.ts";
import { defineOperation } from "./operation.ts";
import { SequenceDraft, stepsMax } from "./sequence-versions.ts";

export const ReorderStepsInput = z
  .strictObject({
    sequence: Id,
    steps: z
      .array(Id)
      .min(1, "must not be empty")
      .max(stepsMax, `at most ${stepsMax} steps`)
      .describe("The ids of all steps in the new order, each once; of the draft or of the current version"),
  })
  .meta({
    id: "ReorderStepsInput",
    examples: [
      {
        sequence: "019a0000-0000-7000-8000-000000000003",
        steps: ["019a0000-0000-7000-8000-000000000005", "019a0000-0000-7000-8000-000000000004"],
      },
    ],
  });

export const reorderSequenceSteps = defineOperation({
  id: "reorderSequenceSteps",
  method: "POST",
  path: "/api/v1/sequence-steps/reorder/",
  summary: "Put the steps of a sequence in another order",
  description:
    "All of them in one call; they are numbered from 1 in the order of the list, and nothing else of them changes. In place, as long as nobody was ever enrolled in the sequence's current version; else in its draft, which is opened if there is none, and goes live by `publish`. The answer is the version that was written.",
  tag: "sequence-steps",
  auth: "key",
  takesIfMatch: true,
  body: ReorderStepsInput,
  success: 200,
  output: SequenceDraft,
  errors: [],
});
