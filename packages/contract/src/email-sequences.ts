import { InDoubtPolicy, ReEnrollment, SequenceStatus } from "@dripline/domain/statuses";
import { z } from "zod";
import { Id, Instant, line, text } from "./fields.ts";
import { listQuery, pageOf, Search } from "./list.ts";
import { defineOperation } from "./operation.ts";
import { checkDelay, Revision, SequenceStep, stepFields, WireElapsed } from "./sequence-steps.ts";

const inDoubtPolicyMeaning =
  "What happens when a message was handed to the mail server and its answer could not be recorded, so that nobody knows whether it arrived. `advance`: the email stays in doubt and the next step follows, at most one copy. `resend`: the same message, with the same Message-ID, goes out again until an answer is recorded or the attempts are used up, at least one copy; then it stays in doubt and the enrollment waits. `hold`: the email stays in doubt and the enrollment waits until an operator settles it";

const limitMessage = "is a whole number, 1 to 1000000";
const SendsPerDayMax = z
  .int({ error: limitMessage })
  .min(1, limitMessage)
  .max(1_000_000, limitMessage)
  .describe("Emails of this sequence a day, counted in its schedule's zone");

export const EmailSequence = z
  .strictObject({
    id: Id,
    name: z.string(),
    description: z.string(),
    status: SequenceStatus,
    schedule: Id,
    in_doubt_policy: InDoubtPolicy.describe(inDoubtPolicyMeaning),
    sends_per_day_max: SendsPerDayMax.nullable(),
    re_enrollment: ReEnrollment,
    re_enrollment_cooldown: WireElapsed.nullable(),
    version: z.int().describe("Number of the version that new enrollments get, from 1"),
    steps: z.array(SequenceStep),
    total_steps: z.int(),
    active_enrollments: z.int(),
    has_unpublished_changes: z.boolean().describe("There is a draft"),
    revision: Revision,
    created_by: Id.nullable(),
    created_by_name: z.string().nullable(),
    created_at: Instant,
    updated_at: Instant,
  })
  .meta({ id: "EmailSequence" });
export type EmailSequence = z.output<typeof EmailSequence>;

export const NestedStepInput = z.strictObject(stepFields).check(checkDelay).meta({ id: "NestedStepInput" });

const stepsMax = 200;

/** What a sequence takes beside its status and its steps. */
const ownFields = {
  name: line(200),
  description: text(10_000).default(""),
  schedule: Id.nullable().default(null).describe("When email may go out; null takes the default schedule"),
  in_doubt_policy: InDoubtPolicy.default("advance").describe(inDoubtPolicyMeaning),
  sends_per_day_max: SendsPerDayMax.nullable().default(null).describe("null for no limit"),
  re_enrollment: ReEnrollment.default("never").describe(
    "Whether somebody whose enrollment has ended may be enrolled again",
  ),
  re_enrollment_cooldown: WireElapsed.nullable().default(null).describe("With `after_end`: how long after the end"),
};

export const EmailSequenceInput = z
  .strictObject({
    ...ownFields,
    status: SequenceStatus.default("active"),
    steps: z.array(NestedStepInput).max(stepsMax, `at most ${stepsMax} steps`).default([]).check(refuseSameNumbers),
  })
  .meta({
    id: "EmailSequenceInput",
    examples: [
      {
        name: "New Customer Onboarding",
        steps: [
          { step_number: 1, name: "Welcome", email_template: "019a0000-0000-7000-8000-000000000001", delay_days: 0 },
          { step_number: 2, name: "Tips", email_template: "019a0000-0000-7000-8000-000000000002", delay_days: 3 },
        ],
      },
    ],
  });
export type EmailSequenceInput = z.output<typeof EmailSequenceInput>;

function refuseSameNumbers({ value, issues }: z.core.ParsePayload<{ step_number: number }[]>): void {
  const seen = new Set<number>();
  for (const [index, { step_number: number }] of value.entries()) {
    if (seen.has(number)) {
      const message = `another step has the number ${number} as well`;
      issues.push({
        code: "custom",
        path: [index, "step_number"],
        message,
        params: { code: "duplicate" },
        input: value,
      });
    }
    seen.add(number);
  }
}

export const NestedStepEdit = z
  .strictObject({
    id: Id.optional().describe(
      "Of a step in the draft or the current version: it is the same step. Left out: a new one",
    ),
    ...stepFields,
  })
  .check(checkDelay)
  .meta({ id: "NestedStepEdit" });

const statusChange = SequenceStatus.optional().describe(
  "Pauses, resumes or archives as the operations of that name do; left out, it stays as it is",
);

export const EmailSequencePut = z
  .strictObject({
    ...ownFields,
    status: statusChange,
    steps: z
      .array(NestedStepEdit)
      .max(stepsMax, `at most ${stepsMax} steps`)
      .check(refuseSameNumbers)
      .optional()
      .describe("All steps, as in a draft that is replaced; left out, they stay as they are"),
  })
  .meta({
    id: "EmailSequencePut",
    examples: [{ name: "New Customer Onboarding", description: "From the first day on", sends_per_day_max: 500 }],
  });

/** Any of these fields, live at once; the others stay as they are. Steps have operations of their own. */
export const EmailSequencePatch = z
  .strictObject({
    name: line(200).optional(),
    description: text(10_000).optional(),
    status: statusChange,
    schedule: Id.optional().describe("Times that are planned stay; each is checked against it when it comes"),
    in_doubt_policy: InDoubtPolicy.optional().describe("Holds for doubts that arise from now on"),
    sends_per_day_max: SendsPerDayMax.nullable().optional(),
    re_enrollment: ReEnrollment.optional(),
    re_enrollment_cooldown: WireElapsed.nullable().optional(),
  })
  .refine((changes) => Object.keys(changes).length > 0, "names nothing to change")
  .meta({ id: "EmailSequencePatch", examples: [{ description: "From the first day on" }] });

export const DuplicateSequenceInput = z
  .strictObject({ name: line(200).optional().describe('Left out: the name of the original and "(copy)"') })
  .meta({ id: "DuplicateSequenceInput", examples: [{ name: "Onboarding, second try" }] });

/** The filters of the list, and of what is done to many at once. */
export const sequenceFilters = {
  status: SequenceStatus.optional(),
  search: Search.optional().describe("In name and description"),
};

const tag = "email-sequences";

export const listEmailSequences = defineOperation({
  id: "listEmailSequences",
  method: "GET",
  path: "/api/v1/email-sequences/",
  summary: "List sequences",
  tag,
  auth: "key",
  query: listQuery({
    orderings: ["-created_at", "name"],
    filters: sequenceFilters,
  }),
  success: 200,
  output: pageOf(EmailSequence, "EmailSequencePage"),
  errors: [],
});

export const createEmailSequence = defineOperation({
  id: "createEmailSequence",
  method: "POST",
  path: "/api/v1/email-sequences/",
  summary: "Create a sequence",
  description: "With its steps, if they are known already; they become its version 1.",
  tag,
  auth: "key",
  body: EmailSequenceInput,
  success: 201,
  output: EmailSequence,
  errors: [],
});

export const getEmailSequence = defineOperation({
  id: "getEmailSequence",
  method: "GET",
  path: "/api/v1/email-sequences/{id}/",
  summary: "Get a sequence",
  tag,
  auth: "key",
  params: z.strictObject({ id: Id }),
  success: 200,
  output: EmailSequence,
  errors: [],
});

export const replaceEmailSequence = defineOperation({
  id: "replaceEmailSequence",
  method: "PUT",
  path: "/api/v1/email-sequences/{id}/",
  summary: "Replace a sequence",
  description:
    "Its own fields, live at once; what is left out gets its default. Two things stay as they are unless they are given: `status`, and `steps`. Steps go the way of a draft that is replaced: in place as long as nobody was ever enrolled in the current version; else into the draft, which is opened if there is none and goes live by `publish`. Steps exactly as the sequence shows them are no edit: no draft is opened, and one that there is stays.",
  tag,
  auth: "key",
  takesIfMatch: true,
  params: z.strictObject({ id: Id }),
  body: EmailSequencePut,
  success: 200,
  output: EmailSequence,
  errors: ["sequence_archived"],
});

export const updateEmailSequence = defineOperation({
  id: "updateEmailSequence",
  method: "PATCH",
  path: "/api/v1/email-sequences/{id}/",
  summary: "Change a sequence",
  description: "Live at once. Steps are edited by operations of their own.",
  tag,
  auth: "key",
  takesIfMatch: true,
  params: z.strictObject({ id: Id }),
  body: EmailSequencePatch,
  success: 200,
  output: EmailSequence,
  errors: ["sequence_archived"],
});

export const deleteEmailSequence = defineOperation({
  id: "deleteEmailSequence",
  method: "DELETE",
  path: "/api/v1/email-sequences/{id}/",
  summary: "Delete a sequence in which nobody was ever enrolled",
  description: "With its versions and steps. One that has enrollments, live or ended, is archived instead.",
  tag,
  auth: "key",
  takesIfMatch: true,
  params: z.strictObject({ id: Id }),
  success: 204,
  output: z.strictObject({ id: Id }),
  errors: ["in_use"],
});

export const duplicateEmailSequence = defineOperation({
  id: "duplicateEmailSequence",
  method: "POST",
  path: "/api/v1/email-sequences/{id}/duplicate/",
  summary: "Make a copy of a sequence",
  description:
    "With everything it is set to, and with the steps of its current version as version 1; a draft is not taken along. The copy is paused, and nobody is enrolled in it.",
  tag,
  auth: "key",
  params: z.strictObject({ id: Id }),
  body: DuplicateSequenceInput,
  success: 201,
  output: EmailSequence,
  errors: [],
});
