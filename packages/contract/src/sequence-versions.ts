import { z } from "zod";
import { Id, Instant } from "./fields.ts";
import { listQuery, pageOf } from "./list.ts";
import { defineOperation } from "./operation.ts";
import { checkDelay, Edited, Revision, SequenceStep, stepFields } from "./sequence-steps.ts";

const version = z.int().describe("The version's number, from 1");

export const SequenceVersion = z
  .strictObject({
    sequence: Id,
    version,
    published_at: Instant.nullable().describe("null: a draft"),
    is_current: z.boolean().describe("New enrollments get this version"),
    is_draft: z.boolean(),
    total_steps: z.int(),
    live_enrollments: z.int().describe("Active and paused ones in this version"),
    created_by: Id.nullable(),
    created_by_name: z.string().nullable(),
    created_at: Instant,
  })
  .meta({ id: "SequenceVersion" });
export type SequenceVersion = z.output<typeof SequenceVersion>;

/** The steps that are being edited. */
export const SequenceDraft = z
  .strictObject({
    id: Id.describe("Of the sequence"),
    version,
    is_draft: z
      .boolean()
      .describe("false: nobody was ever enrolled in the current version, so it was changed in place"),
    steps: z.array(SequenceStep),
    total_steps: z.int(),
    revision: Revision,
  })
  .meta({ id: "SequenceDraft" });
export type SequenceDraft = z.output<typeof SequenceDraft>;

const { step_number: _, ...listedFields } = stepFields;

export const ListedStepInput = z
  .strictObject({
    id: Id.optional().describe(
      "Of a step in the draft or the current version: it is the same step. Left out: a new one",
    ),
    ...listedFields,
  })
  .check(checkDelay)
  .meta({ id: "ListedStepInput" });

export const stepsMax = 200;

export const SequenceDraftInput = z
  .strictObject({ steps: z.array(ListedStepInput).max(stepsMax, `at most ${stepsMax} steps`) })
  .meta({
    id: "SequenceDraftInput",
    examples: [
      {
        steps: [
          {
            id: "019a0000-0000-7000-8000-000000000007",
            name: "Welcome",
            email_template: "019a0000-0000-7000-8000-000000000001",
            delay_days: 0,
          },
          { name: "Tips", email_template: "019a0000-0000-7000-8000-000000000002", delay_days: 3 },
        ],
      },
    ],
  });

const DiffedStep = z
  .strictObject({ id: Id, step_number: z.int(), name: z.string() })
  .meta({ id: "DiffedStep", description: "A step as it is in one of the two versions" });

export const SequenceDiff = z
  .strictObject({
    sequence: Id,
    from: version,
    to: version,
    differences: z.array(
      z.strictObject({
        kind: z.enum(["added", "deleted", "changed", "moved"]),
        from: DiffedStep.nullable(),
        to: DiffedStep.nullable(),
        changes: z.array(
          z.strictObject({
            field: z.enum(["name", "email_template", "delay", "max_lateness", "late_policy", "is_active"]),
            from: z.json(),
            to: z.json(),
          }),
        ),
        message: z.string(),
      }),
    ),
  })
  .meta({ id: "SequenceDiff" });
export type SequenceDiff = z.output<typeof SequenceDiff>;

const count = (what: string) => z.int().describe(what);

export const WaitingGroup = z
  .strictObject({
    from_version: version,
    from: DiffedStep.describe("The step at which they wait"),
    to: DiffedStep.nullable().describe("The same step in the new version; null if it is deleted"),
    differences: z.array(z.enum(["added", "deleted", "changed", "moved"])),
    people: z.int(),
    later: count("Get it later than planned"),
    sooner: count("Get it sooner than planned"),
    due_now: count("Are due now: it goes out in the next open window, spread"),
    moved_on: count(
      "Go on with the next step that they have still to get: at once if theirs is deleted, when its time comes if it is inactive now",
    ),
    completed: count("Have nothing left to get: they complete at that moment"),
    held: count("Are held (for another reason than a pause) or failed there: they stay so until somebody retries"),
    unchanged: count("Keep the time they have, with the new content"),
    message: z.string(),
  })
  .meta({ id: "WaitingGroup" });

export const StepReach = z
  .strictObject({
    from_version: version.describe("Of the people who are counted"),
    to: DiffedStep.describe("The step in the new version"),
    difference: z.enum(["added", "moved"]),
    still_to_get: count("Have it still to come, those who wait at it included"),
    passed_by: count("Have not had it and do not get it: they are past its place"),
    message: z.string(),
  })
  .meta({ id: "StepReach" });

export const Publication = z
  .strictObject({
    id: Id.describe("Of the sequence"),
    version: version.describe("The version that was published, or would be"),
    dry_run: z.boolean(),
    in_flight: z.enum(["follow", "pin"]),
    live_enrollments: z.int().describe("In all versions"),
    versions: z
      .array(z.strictObject({ version, live_enrollments: z.int() }))
      .describe("In which version they were before"),
    groups: z.array(WaitingGroup).describe("Those who wait at a step that differs; empty with `pin`"),
    reach: z
      .array(StepReach)
      .describe("How many people in flight get each active step that was added or moved; empty with `pin`"),
    revision: Revision,
  })
  .meta({ id: "Publication" });
export type Publication = z.output<typeof Publication>;

export const PublishInput = z
  .strictObject({
    in_flight: z
      .enum(["follow", "pin"])
      .default("follow")
      .describe(
        "`follow`: people in flight, also those who were pinned to an earlier version, take the new one at their next unsent step; `pin`: they finish theirs",
      ),
    dry_run: z.boolean().default(false).describe("Answers the same, and writes nothing"),
  })
  .meta({ id: "PublishInput", examples: [{ in_flight: "follow", dry_run: true }] });

const VersionReference = z.union(
  [z.enum(["draft", "current"]), z.coerce.number().int().min(1).max(2_147_483_647)],
  'is the number of a version, "draft" or "current"',
);

const tag = "email-sequences";
const params = z.strictObject({ id: Id });

export const listSequenceVersions = defineOperation({
  id: "listSequenceVersions",
  method: "GET",
  path: "/api/v1/email-sequences/{id}/versions/",
  summary: "List the versions of a sequence",
  tag,
  auth: "key",
  params,
  query: listQuery({ orderings: ["-version"], filters: {} }),
  success: 200,
  output: pageOf(SequenceVersion, "SequenceVersionPage"),
  errors: [],
});

export const diffSequenceVersions = defineOperation({
  id: "diffSequenceVersions",
  method: "GET",
  path: "/api/v1/email-sequences/{id}/diff/",
  summary: "Compare two versions of a sequence",
  tag,
  auth: "key",
  params,
  query: z.strictObject({
    from: VersionReference.default("current"),
    to: VersionReference.default("draft"),
  }),
  success: 200,
  output: SequenceDiff,
  errors: [],
});

export const getSequenceDraft = defineOperation({
  id: "getSequenceDraft",
  method: "GET",
  path: "/api/v1/email-sequences/{id}/draft/",
  summary: "Get the draft of a sequence",
  tag,
  auth: "key",
  params,
  success: 200,
  output: SequenceDraft,
  errors: [],
});

export const replaceSequenceDraft = defineOperation({
  id: "replaceSequenceDraft",
  method: "PUT",
  path: "/api/v1/email-sequences/{id}/draft/",
  summary: "Replace all steps of the draft",
  description:
    "Numbers come from the order of the list. Opens a draft if there is none; as long as nobody was ever enrolled in the current version, that one is changed in place.",
  tag,
  auth: "key",
  takesIfMatch: true,
  params,
  body: SequenceDraftInput,
  success: 200,
  output: SequenceDraft,
  errors: [],
});

export const discardSequenceDraft = defineOperation({
  id: "discardSequenceDraft",
  method: "DELETE",
  path: "/api/v1/email-sequences/{id}/draft/",
  summary: "Throw the draft away",
  tag,
  auth: "key",
  takesIfMatch: true,
  params,
  success: 204,
  output: Edited,
  errors: [],
});

export const publishSequence = defineOperation({
  id: "publishSequence",
  method: "POST",
  path: "/api/v1/email-sequences/{id}/publish/",
  summary: "Publish the draft",
  description:
    "New enrollments get it from now on. With `dry_run` it says how many people wait at each step that differs and what happens to them, and writes nothing. Without a draft, `follow` takes those who are in other versions along to the current one.",
  tag,
  auth: "key",
  takesIfMatch: true,
  params,
  body: PublishInput,
  success: 200,
  output: Publication,
  errors: ["no_draft", "sequence_without_steps"],
});
