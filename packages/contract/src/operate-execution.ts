import { z } from "zod";
import { Id, Instant, text } from "./fields.ts";
import { defineOperation } from "./operation.ts";
import { detailFields, SequenceExecutionDetail } from "./sequence-executions.ts";

/** What an operator does with one email: each moves it from the states that it names, or is refused with the state. */

const tag = "sequence-executions";
const params = z.strictObject({ id: Id });
const note = text(2_000).default("").describe("Why, for the execution's events");

export const RetryExecutionInput = z
  .strictObject({ note })
  .meta({ id: "RetryExecutionInput", examples: [{ note: "The template has a default for the first name now" }] });

export const retryExecution = defineOperation({
  id: "retryExecution",
  method: "POST",
  path: "/api/v1/sequence-executions/{id}/retry/",
  summary: "Try a failed or held email again",
  description:
    "It is due now, with a fresh count of attempts, and passes every check again: window, limits, consent, suppression; whatever kept it back and is still so holds it again. What waits for a pause to end goes on with `resume/` of the enrollment or sequence instead, which gives it back the time that it had left. Of one that is in doubt, `settle/` decides.",
  tag,
  auth: "key",
  params,
  body: RetryExecutionInput,
  success: 200,
  output: SequenceExecutionDetail,
  errors: ["execution_status_conflict", "enrollment_not_live"],
});

export const SkipExecutionInput = z
  .strictObject({ note })
  .meta({ id: "SkipExecutionInput", examples: [{ note: "They had a call with us instead" }] });

export const skipExecution = defineOperation({
  id: "skipExecution",
  method: "POST",
  path: "/api/v1/sequence-executions/{id}/skip/",
  summary: "Pass over an email",
  description:
    "One that is pending, scheduled or failed becomes `skipped` and is never sent. The next step's delay counts from now; if there is none, the enrollment completes. Of an enrollment that has ended, or that went on from this email before, it only closes this one.",
  tag,
  auth: "key",
  params,
  body: SkipExecutionInput,
  success: 200,
  output: SequenceExecutionDetail,
  errors: ["execution_status_conflict"],
});

export const SendExecutionNowInput = z
  .strictObject({ note })
  .meta({ id: "SendExecutionNowInput", examples: [{ note: "They asked for it on the phone" }] });

export const sendExecutionNow = defineOperation({
  id: "sendExecutionNow",
  method: "POST",
  path: "/api/v1/sequence-executions/{id}/send-now/",
  summary: "Send a scheduled email now",
  description:
    "It is due now instead of when its delay or a limit says. Nothing else is waived: a worker looks at consent, suppression and limits as always, and there is no way past the sending window, because the last look before the send holds for every email. If no window is open now it is refused with `window_closed` and `opens_at`, and stays where it is.",
  tag,
  auth: "key",
  params,
  body: SendExecutionNowInput,
  success: 200,
  output: SequenceExecutionDetail,
  errors: ["execution_status_conflict", "enrollment_not_live", "window_closed"],
});

export const RescheduleExecutionInput = z
  .strictObject({
    scheduled_for: Instant.describe("In the future and within ten years"),
    note,
  })
  .meta({
    id: "RescheduleExecutionInput",
    examples: [{ scheduled_for: "2027-01-04T02:00:00.000Z", note: "Back then" }],
  });

export const RescheduledExecution = z
  .strictObject({
    ...detailFields,
    deferral: z
      .string()
      .nullable()
      .describe("Why `scheduled_for` is later than was asked for: no window is open then. null: it is not"),
  })
  .meta({ id: "RescheduledExecution" });

export const rescheduleExecution = defineOperation({
  id: "rescheduleExecution",
  method: "POST",
  path: "/api/v1/sequence-executions/{id}/reschedule/",
  summary: "Move a scheduled email to another time",
  description:
    "Sooner or later than planned. If no window is open then, it goes to its place after the next opening; `scheduled_for` says to when and `deferral` why. Later steps count from when it is sent, as always. A pause shifts the new time, and a publish with another delay leaves it. It is refused with `window_closed` only if the schedule never opens again.",
  tag,
  auth: "key",
  params,
  body: RescheduleExecutionInput,
  success: 200,
  output: RescheduledExecution,
  errors: ["execution_status_conflict", "enrollment_not_live", "window_closed"],
});
