import { z } from "zod";
import { eachOnItsOwn } from "./each-on-its-own.ts";
import { Id, Instant } from "./fields.ts";
import { defineOperation } from "./operation.ts";
import { ProblemCode, ProblemPlace } from "./problem.ts";
import { BulkEnrollItem } from "./sequence-enrollments.ts";

const itemsMax = 1_000;

export const BulkEnrollInput = z
  .strictObject({
    sequence_id: Id,
    items: z
      .array(eachOnItsOwn(BulkEnrollItem), "must be a list of contacts")
      .min(1, "must not be empty")
      .max(itemsMax, `has more than ${itemsMax} items: send several requests, or import a file`),
    mode: z
      .enum(["strict", "permissive"])
      .default("strict")
      .describe("`strict`: all of them or nobody. `permissive`: everybody who can be, in one transaction"),
    dry_run: z.boolean().default(false).describe("Answers the same, and writes nothing"),
  })
  .meta({
    id: "BulkEnrollInput",
    examples: [
      {
        sequence_id: "019a0000-0000-7000-8000-000000000003",
        mode: "permissive",
        items: [
          { contact_id: "019a0000-0000-7000-8000-000000000007" },
          { contact: { email: "ann@example.com", first_name: "Ann" }, notes: "Met at the fair" },
        ],
      },
    ],
  });

export const BulkEnrollResult = z
  .strictObject({
    index: z.int().describe("Of the item in the request, from 0"),
    status: z.enum(["enrolled", "refused"]),
    enrollment_id: Id.nullable().describe(
      "The new enrollment; of `already_enrolled` and `re_enrollment_too_soon` the one that stands in the way",
    ),
    contact_id: Id.nullable(),
    code: ProblemCode.nullable().describe("Why it was refused, as enrolling this one alone would answer"),
    detail: z.string().nullable(),
    available_at: Instant.nullable().describe("Of `re_enrollment_too_soon`: when the cool-down is over"),
    errors: z.array(ProblemPlace).describe("The places that are wrong, of `validation_failed`"),
  })
  .meta({ id: "BulkEnrollResult" });
export type BulkEnrollResult = z.output<typeof BulkEnrollResult>;

export const BulkEnrollment = z
  .strictObject({
    dry_run: z.boolean(),
    enrolled: z.int(),
    refused: z.int(),
    results: z.array(BulkEnrollResult).describe("One per item, in their order"),
  })
  .meta({ id: "BulkEnrollment" });

export const bulkEnroll = defineOperation({
  id: "bulkEnroll",
  method: "POST",
  path: "/api/v1/sequence-enrollments/bulk/",
  summary: "Enroll up to 1,000 contacts in a sequence",
  description:
    "In one transaction. Whoever stands in the list twice is enrolled once, and `already_enrolled` the second time. A contact that comes along and is refused is not created.",
  tag: "sequence-enrollments",
  auth: "key",
  scope: "enroll",
  body: BulkEnrollInput,
  success: 200,
  output: BulkEnrollment,
  errors: ["sequence_not_active", "sequence_without_steps", "items_refused"],
});
