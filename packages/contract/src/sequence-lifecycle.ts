import { z } from "zod";
import { EmailSequence } from "./email-sequences.ts";
import { Id } from "./fields.ts";
import { defineOperation } from "./operation.ts";

const tag = "email-sequences";

export const pauseSequence = defineOperation({
  id: "pauseSequence",
  method: "POST",
  path: "/api/v1/email-sequences/{id}/pause/",
  summary: "Stop the clock of everybody in a sequence",
  description:
    "Nobody can be enrolled, and nothing goes out; an email that is at the mail server this moment finishes. What waits keeps the time that it has left to wait. A paused sequence is left as it is.",
  tag,
  auth: "key",
  params: z.strictObject({ id: Id }),
  success: 200,
  output: EmailSequence,
  errors: ["sequence_archived"],
});

export const resumeSequence = defineOperation({
  id: "resumeSequence",
  method: "POST",
  path: "/api/v1/email-sequences/{id}/resume/",
  summary: "Make a paused or archived sequence active again",
  description:
    "Of a paused one every waiting step moves by the time of the pause, then into an open window; what was overdue is spread again. Enrollments that are paused themselves go on waiting. Of an archived one entry opens; enrollments that ended stay ended. An active sequence is left as it is.",
  tag,
  auth: "key",
  params: z.strictObject({ id: Id }),
  success: 200,
  output: EmailSequence,
  errors: [],
});

export const archiveSequence = defineOperation({
  id: "archiveSequence",
  method: "POST",
  path: "/api/v1/email-sequences/{id}/archive/",
  summary: "End a sequence",
  description:
    "Nobody can be enrolled, every live enrollment becomes `cancelled` with the end reason `sequence_archived`, and what was waiting becomes `skipped`. An archived sequence is left as it is.",
  tag,
  auth: "key",
  params: z.strictObject({ id: Id }),
  success: 200,
  output: EmailSequence,
  errors: [],
});
