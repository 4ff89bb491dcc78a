import { EnrollmentStatus } from "@dripline/domain/statuses";
import { z } from "zod";
import { reason, until } from "./enrollment-lifecycle.ts";
import { Id } from "./fields.ts";
import { defineOperation } from "./operation.ts";
import { checkSelection, selectionCounts, selectionFields } from "./selection.ts";
import { enrollmentFilters, UnenrollStatus } from "./sequence-enrollments.ts";

/** One statement moves so many in a second or two, while a client waits. */
export const enrollmentsMax = 10_000;

export const EnrollmentAction = z.enum(["pause", "resume", "complete", "unenroll"]);
export type EnrollmentAction = z.infer<typeof EnrollmentAction>;

export const ActOnEnrollmentsInput = z
  .strictObject({
    action: EnrollmentAction,
    ...selectionFields(enrollmentsMax, enrollmentFilters),
    reason,
    until: until.describe("With `pause` only: when they go on by themselves, in the future and within ten years"),
    status: UnenrollStatus.optional().describe("With `unenroll` only, as there; `cancelled` if left out"),
  })
  .check(checkSelection)
  .check(({ value, issues }) => {
    if (value.until !== null && value.action !== "pause") {
      issues.push({ code: "custom", path: ["until"], message: "goes with the action pause only", input: value });
    }
    if (value.status !== undefined && value.action !== "unenroll") {
      issues.push({ code: "custom", path: ["status"], message: "goes with the action unenroll only", input: value });
    }
  })
  .meta({
    id: "ActOnEnrollmentsInput",
    examples: [
      {
        action: "unenroll",
        filter: { sequence: "019a0000-0000-7000-8000-000000000003", enrolled_at__lt: "2026-01-01T00:00:00.000Z" },
        reason: "The campaign is over",
      },
    ],
  });

export const ActedOnEnrollments = z
  .strictObject({
    action: EnrollmentAction,
    ...selectionCounts,
    unchanged: z
      .array(
        z.strictObject({
          id: Id,
          status: EnrollmentStatus.nullable().describe("null if there is no such enrollment"),
          reason: z.enum(["already_done", "enrollment_not_live", "not_found"]),
          message: z.string(),
        }),
      )
      .describe("Those that it did not change"),
  })
  .meta({ id: "ActedOnEnrollments" });

export const actOnEnrollments = defineOperation({
  id: "actOnEnrollments",
  method: "POST",
  path: "/api/v1/sequence-enrollments/bulk-actions/",
  summary: "Pause, resume, complete or unenroll many enrollments",
  description:
    "As the operations of these names do with one; all of them in one transaction. What could not change stays as it is, and the answer says which and why.",
  tag: "sequence-enrollments",
  auth: "key",
  body: ActOnEnrollmentsInput,
  success: 200,
  output: ActedOnEnrollments,
  errors: ["too_many_matches"],
});
