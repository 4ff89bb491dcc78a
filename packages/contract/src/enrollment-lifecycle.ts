import { z } from "zod";
import { Id, Instant, text } from "./fields.ts";
import { defineOperation } from "./operation.ts";
import { SequenceEnrollment } from "./sequence-enrollments.ts";

const tag = "sequence-enrollments";
export const reason = text(2_000).default("").describe("Goes into the enrollment's notes");
export const until = Instant.nullable().default(null);

export const PauseEnrollmentInput = z
  .strictObject({
    until: until.describe(
      "When it goes on by itself, in the future and within ten years; null if somebody has to resume it",
    ),
    reason,
  })
  .meta({ id: "PauseEnrollmentInput", examples: [{ until: "2027-01-04T02:00:00.000Z", reason: "On holiday" }] });

export const pauseEnrollment = defineOperation({
  id: "pauseEnrollment",
  method: "POST",
  path: "/api/v1/sequence-enrollments/{id}/pause/",
  summary: "Stop the clock of an enrollment",
  description:
    "What waits keeps the time that it has left to wait. Of an enrollment that is paused already this changes `until`, and nothing else.",
  tag,
  auth: "key",
  params: z.strictObject({ id: Id }),
  body: PauseEnrollmentInput,
  success: 200,
  output: SequenceEnrollment,
  errors: ["enrollment_not_live"],
});

export const ResumeEnrollmentInput = z
  .strictObject({ reason })
  .meta({ id: "ResumeEnrollmentInput", examples: [{ reason: "Back from holiday" }] });

export const resumeEnrollment = defineOperation({
  id: "resumeEnrollment",
  method: "POST",
  path: "/api/v1/sequence-enrollments/{id}/resume/",
  summary: "Let the clock of an enrollment go on",
  description:
    "Every waiting step moves by the time of the pause, then into an open window; what was overdue is spread again. An enrollment that was unenrolled with the status `paused` goes on with the step after the last. Nothing goes out while the sequence itself is paused. An active enrollment is left as it is.",
  tag,
  auth: "key",
  params: z.strictObject({ id: Id }),
  body: ResumeEnrollmentInput,
  success: 200,
  output: SequenceEnrollment,
  errors: ["enrollment_not_live"],
});

export const CompleteEnrollmentInput = z
  .strictObject({ reason })
  .meta({ id: "CompleteEnrollmentInput", examples: [{ reason: "Signed the contract" }] });

export const completeEnrollment = defineOperation({
  id: "completeEnrollment",
  method: "POST",
  path: "/api/v1/sequence-enrollments/{id}/complete/",
  summary: "Complete an enrollment by hand",
  description:
    "It becomes `completed`, with the end reason `completed_by_operator`; what was waiting becomes `skipped`.",
  tag,
  auth: "key",
  params: z.strictObject({ id: Id }),
  body: CompleteEnrollmentInput,
  success: 200,
  output: SequenceEnrollment,
  errors: ["enrollment_not_live"],
});
