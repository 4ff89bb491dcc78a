import { Elapsed } from "@dripline/domain/elapsed";
import { EnrollmentStatus, ExecutionStatus, LatePolicy, SequenceStatus } from "@dripline/domain/statuses";
import { ZoneSource } from "@dripline/domain/time-zone";
import { z } from "zod";
import { Id, Instant } from "./fields.ts";
import { defineOperation } from "./operation.ts";

const DayLimit = z
  .strictObject({ used: z.int(), max: z.int(), day: z.string().describe("In the schedule's own zone") })
  .meta({ id: "DayLimit", description: "How much of a limit of emails a day is used up." });

const Backoff = z
  .strictObject({
    reason: z.enum(["transport_unusable", "sender_refused", "transport_throttled", "domain_slowed"]),
    message: z.string().describe("What the mail server said"),
    since: Instant,
    next_at: Instant.describe("When the next email may try"),
    interval_seconds: z.number().describe("Between two emails; doubled by every further failure"),
  })
  .meta({ id: "DeliveryBackoff", description: "Emails leave one at a time." });

const ElapsedTime = z.strictObject(Elapsed.shape).meta({ id: "ElapsedTime" });

function gate<const N extends string, D extends z.ZodRawShape>(name: N, data: D) {
  return z.strictObject({
    name: z.literal(name),
    passed: z.boolean(),
    instead: z
      .enum(["early", "stop", "hold", "skip", "defer"])
      .nullable()
      .describe("What happens instead of the email if this is the first closed gate (a stop goes before all others)"),
    sentence: z.string(),
    data: z.strictObject(data),
  });
}

const Gate = z
  .discriminatedUnion("name", [
    gate("fence", {
      reason: z
        .enum(["never_adopted", "copied", "other_public_url"])
        .nullable()
        .describe("Why nothing leaves from this database, for any email"),
    }),
    gate("sequence", { status: SequenceStatus }),
    gate("enrollment", { status: EnrollmentStatus }),
    gate("consent", { opted_out_at: Instant.nullable() }),
    gate("suppression", { is_suppressed: z.boolean() }),
    gate("step", {
      step_number: z.int(),
      is_active: z.boolean(),
      is_deleted: z.boolean().describe("The version that the enrollment is in does not have it"),
    }),
    gate("delay", {
      counts_from: Instant.nullable().describe("The enrollment, or the end of the step before"),
      due_at: Instant,
      scheduled_for: Instant,
    }),
    gate("lateness", {
      minutes_late: z.int().describe("Behind its plan, nights and weekends not counted; negative before its time"),
      limit: ElapsedTime.nullable(),
      policy: LatePolicy,
    }),
    gate("window", {
      zone: z.string(),
      zone_source: ZoneSource,
      at: Instant.describe("The moment that was looked at"),
      local_time: z.string().nullable().describe("The same on the wall clock of the zone"),
      is_open: z.boolean(),
      opens_at: Instant.nullable().describe("Of the window that is open, or else of the next one"),
      closes_at: Instant.nullable(),
    }),
    gate("holiday", {
      date: z.string().nullable().describe("The local date that was looked at"),
      kind: z.enum(["closed_date", "holiday", "special_hours"]).nullable(),
      holiday_name: z.string().nullable(),
    }),
    gate("transport", {
      backoff: Backoff.nullable().describe("The mail server is used as usual, or one email at a time"),
    }),
    gate("recipient_domain", { backoff: Backoff.nullable() }),
    gate("throttle", {
      sequence_day: DayLimit.nullable(),
      sender_day: DayLimit.nullable(),
      contact_gap_until: Instant.nullable(),
      rate: z.strictObject({ per_second: z.number(), next_at: Instant }).nullable(),
    }),
    gate("attempts", { used: z.int(), max: z.int() }),
  ])
  .meta({ id: "Gate", description: "One thing that an email has to pass." });

export const Explanation = z
  .strictObject({
    execution: Id,
    status: ExecutionStatus,
    enrollment: Id,
    sequence: Id,
    sequence_name: z.string(),
    step_number: z.int(),
    step_name: z.string(),
    contact_email: z.string(),
    summary: z.string().describe("How it stands and what comes next, or who has to do what"),
    next_try: Instant.nullable().describe("When it may go out next; null if that depends on somebody, or it is over"),
    explained_at: Instant.describe("By the database's clock, which also decides"),
    judged_at: Instant.describe(
      "At which moment lateness, window and holiday were looked at: now, or, planned for later, then",
    ),
    decision: z
      .strictObject({
        kind: z.enum(["deliver", "defer", "hold", "skip", "stop"]),
        reason: z.string().nullable(),
        message: z.string().nullable(),
      })
      .nullable()
      .describe("What would be decided at `judged_at` if nothing changes until then; null if it has no timer"),
    gates: z.array(Gate).describe("In the order in which they are asked"),
  })
  .meta({ id: "Explanation", description: "Why an email goes out when it does, or does not." });
export type Explanation = z.output<typeof Explanation>;

export const explainSequenceExecution = defineOperation({
  id: "explainSequenceExecution",
  method: "GET",
  path: "/api/v1/sequence-executions/{id}/explain/",
  summary: "Explain why an execution goes out when it does, or does not",
  description:
    "Every gate that an email has to pass, each passed or not, in data and as sentences, with the functions that the worker decides with. The gates speak of now and of the plan: of an email that is over they do not say how things stood then.",
  tag: "sequence-executions",
  auth: "key",
  params: z.strictObject({ id: Id }),
  success: 200,
  output: Explanation,
  errors: [],
});
