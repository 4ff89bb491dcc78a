import { Delay } from "@dripline/domain/delay";
import { Elapsed } from "@dripline/domain/elapsed";
import { LatePolicy } from "@dripline/domain/statuses";
import { z } from "zod";
import { Id, Instant, line } from "./fields.ts";
import { BooleanFilter, listQuery, pageOf, Search } from "./list.ts";
import { defineOperation } from "./operation.ts";

const WireDelay = Delay.meta({
  id: "Delay",
  description:
    "Counts from the previous step's actual send (the first from the enrollment). Days keep the local wall-clock time; hours and minutes are elapsed time; business days are days on which the schedule opens.",
});

export const WireElapsed = Elapsed.meta({ id: "Elapsed", description: "Elapsed time; a day is 24 hours." });

export const SequenceStep = z
  .strictObject({
    id: Id,
    sequence: Id,
    step_number: z.int(),
    name: z.string(),
    email_template: Id,
    email_template_name: z.string(),
    delay_days: z.int().nullable().describe("The delay in days; null if it is in another unit"),
    delay: WireDelay,
    max_lateness: WireElapsed.nullable(),
    late_policy: LatePolicy,
    is_active: z.boolean(),
    version: z.int().describe("Number of the version that this step belongs to"),
    is_draft: z.boolean().describe("That version is a draft: nobody gets it before it is published"),
    created_at: Instant,
    updated_at: Instant,
  })
  .meta({ id: "SequenceStep" });
export type SequenceStep = z.output<typeof SequenceStep>;

export const Revision = z
  .int()
  .describe("Goes up with every edit of the sequence, its draft or its steps; the number in the ETag, for `If-Match`");

/** One step alone: with the revision of its sequence, so that a client can go on from there. */
export const SingleStep = SequenceStep.extend({ revision: Revision }).meta({ id: "SingleStep" });
export type SingleStep = z.output<typeof SingleStep>;

const stepNumberMessage = "is a whole number from 1 to 10000";

/** What a step takes, alone or inside a sequence. */
export const stepFields = {
  step_number: z.int({ error: stepNumberMessage }).min(1, stepNumberMessage).max(10_000, stepNumberMessage),
  name: line(200),
  email_template: Id,
  delay_days: z
    .int({ error: "is a whole number, zero or more" })
    .min(0, "is a whole number, zero or more")
    .max(3_650, "is at most 3650 (ten years)")
    .optional()
    .describe("Short for `delay` in days"),
  delay: WireDelay.optional(),
  max_lateness: WireElapsed.nullable()
    .default(null)
    .describe("Later than this, `late_policy` decides; nights and holidays outside the windows are not lateness"),
  late_policy: LatePolicy.default("send"),
  is_active: z.boolean().default(true),
};

interface DelayInput {
  readonly delay_days?: number | undefined;
  readonly delay?: Delay | undefined;
}

/** A step has exactly one delay: `delay_days` or `delay`, or both if they say the same. */
export function checkDelay({ value, issues }: z.core.ParsePayload<DelayInput>): void {
  const { delay, delay_days: days } = value;
  if (delay === undefined && days === undefined) {
    issues.push({
      code: "custom",
      path: ["delay_days"],
      message: "is required: give delay_days or delay",
      params: { code: "required" },
      input: value,
    });
  }
  checkSameDelay({ value, issues });
}

/** `delay_days` and `delay` do not contradict each other. */
function checkSameDelay({ value, issues }: Pick<z.core.ParsePayload<DelayInput>, "value" | "issues">): void {
  const { delay, delay_days: days } = value;
  if (delay !== undefined && days !== undefined && !(delay.unit === "days" && delay.value === days)) {
    const message = "says something else than delay: leave one of the two out";
    issues.push({ code: "custom", path: ["delay_days"], message, input: value });
  }
}

/** The one delay that a checked step input means. */
export function delayOf({ delay, delay_days: days }: DelayInput): Delay {
  return delay ?? { value: days ?? 0, unit: "days" };
}

export const SequenceStepInput = z
  .strictObject({ sequence: Id, ...stepFields })
  .check(checkDelay)
  .meta({
    id: "SequenceStepInput",
    examples: [
      {
        sequence: "019a0000-0000-7000-8000-000000000003",
        step_number: 2,
        name: "Tips",
        email_template: "019a0000-0000-7000-8000-000000000002",
        delay_days: 3,
      },
    ],
  });

/** What is left of something that was deleted: which one it was, and the sequence's new revision. */
export const Edited = z.strictObject({ id: Id, revision: Revision });

/** Any of a step's fields; the others stay as they are. */
export const SequenceStepPatch = z
  .strictObject({
    step_number: stepFields.step_number.optional(),
    name: stepFields.name.optional(),
    email_template: stepFields.email_template.optional(),
    delay_days: stepFields.delay_days,
    delay: stepFields.delay,
    max_lateness: WireElapsed.nullable().optional(),
    late_policy: LatePolicy.optional(),
    is_active: z.boolean().optional(),
  })
  .check(checkSameDelay)
  .refine((changes) => Object.keys(changes).length > 0, "names nothing to change")
  .meta({ id: "SequenceStepPatch", examples: [{ delay_days: 5 }] });

const VersionFilter = z.union(
  [z.literal("draft"), z.coerce.number().int().min(1).max(2_147_483_647)],
  'is the number of a version, or "draft"',
);

const editing =
  "In place, as long as nobody was ever enrolled in the sequence's current version; else in its draft, which is opened if there is none, and goes live by `publish`.";

const tag = "sequence-steps";

export const listSequenceSteps = defineOperation({
  id: "listSequenceSteps",
  method: "GET",
  path: "/api/v1/sequence-steps/",
  summary: "List the steps of sequences",
  description: "Those of each sequence's current version, unless `version` asks for another one.",
  tag,
  auth: "key",
  query: listQuery({
    orderings: ["step_number", "created_at"],
    filters: {
      sequence: Id.optional(),
      version: VersionFilter.optional().describe("A version's number, or `draft`; the current one if left out"),
      is_active: BooleanFilter.optional(),
      search: Search.optional().describe("In the name"),
    },
  }),
  success: 200,
  output: pageOf(SequenceStep, "SequenceStepPage"),
  errors: [],
});

export const createSequenceStep = defineOperation({
  id: "createSequenceStep",
  method: "POST",
  path: "/api/v1/sequence-steps/",
  summary: "Add a step to a sequence",
  description: editing,
  tag,
  auth: "key",
  takesIfMatch: true,
  body: SequenceStepInput,
  success: 201,
  output: SingleStep,
  errors: ["step_number_taken"],
});

export const getSequenceStep = defineOperation({
  id: "getSequenceStep",
  method: "GET",
  path: "/api/v1/sequence-steps/{id}/",
  summary: "Get a step",
  tag,
  auth: "key",
  params: z.strictObject({ id: Id }),
  success: 200,
  output: SingleStep,
  errors: [],
});

export const replaceSequenceStep = defineOperation({
  id: "replaceSequenceStep",
  method: "PUT",
  path: "/api/v1/sequence-steps/{id}/",
  summary: "Replace a step",
  description: `${editing} The id may be the step's in any version: with a draft, the draft's copy changes. What is left out gets its default; \`sequence\` is the one that the step is in, because a step stays in its sequence. The answer is the step that was written, with its own id.`,
  tag,
  auth: "key",
  takesIfMatch: true,
  params: z.strictObject({ id: Id }),
  body: SequenceStepInput,
  success: 200,
  output: SingleStep,
  errors: ["step_number_taken"],
});

export const updateSequenceStep = defineOperation({
  id: "updateSequenceStep",
  method: "PATCH",
  path: "/api/v1/sequence-steps/{id}/",
  summary: "Change a step",
  description: `${editing} The id may be the step's in any version: with a draft, the draft's copy changes. The answer is the step that was written, with its own id.`,
  tag,
  auth: "key",
  takesIfMatch: true,
  params: z.strictObject({ id: Id }),
  body: SequenceStepPatch,
  success: 200,
  output: SingleStep,
  errors: ["step_number_taken"],
});

export const deleteSequenceStep = defineOperation({
  id: "deleteSequenceStep",
  method: "DELETE",
  path: "/api/v1/sequence-steps/{id}/",
  summary: "Delete a step",
  description: `${editing} The id may be the step's in any version. People who wait at the step move on when the draft is published.`,
  tag,
  auth: "key",
  takesIfMatch: true,
  params: z.strictObject({ id: Id }),
  success: 204,
  output: Edited,
  errors: [],
});
