import { ExecutionStatus, InDoubtPolicy } from "@dripline/domain/statuses";
import { ZoneSource } from "@dripline/domain/time-zone";
import { z } from "zod";
import { Id, Instant } from "./fields.ts";
import { instantRange } from "./instant-range.ts";
import { listQuery, pageOf } from "./list.ts";
import { defineOperation } from "./operation.ts";

const executionFields = {
  id: Id,
  sequence: Id,
  sequence_name: z.string(),
  enrollment: Id,
  step: Id,
  step_name: z.string(),
  step_number: z.int(),
  contact_email: z.string(),
  status: ExecutionStatus,
  hold_reason: z.string().nullable().describe("Why a pending execution has no timer"),
  due_at: Instant.describe("When its delay was over, before any window moved it"),
  scheduled_for: Instant.describe("The next moment at which it will be tried; afterwards, the last plan"),
  timezone: z.string().nullable().describe("In which the windows were read"),
  timezone_source: ZoneSource.nullable().describe("Whose zone that was"),
  sent_at: Instant.nullable(),
  attempt_count: z.int(),
  smtp_code: z.int().nullable().describe("Of the mail server's last refusal (RFC 5321)"),
  enhanced_code: z.string().nullable().describe("The enhanced status code that came with it, such as 5.1.1 (RFC 3463)"),
  error_message: z.string().nullable(),
  email_log: Id.nullable(),
  message_id: z.string().nullable().describe("The same at every attempt: what to look for in a mail server's log"),
  in_doubt_policy: InDoubtPolicy.describe("Of the sequence, as it is now"),
  has_advanced: z.boolean().describe("The enrollment went on from here; of one in doubt: the next step did not wait"),
};

export const SequenceExecution = z.strictObject(executionFields).meta({
  id: "SequenceExecution",
  description: "One step of one enrollment: its timer and its record.",
});
export type SequenceExecution = z.output<typeof SequenceExecution>;

export const ExecutionEvent = z
  .strictObject({
    at: Instant,
    kind: z.string(),
    reason: z.string().describe("Stable, such as `outside_window`"),
    message: z.string(),
    actor: z.string(),
  })
  .meta({ id: "ExecutionEvent" });
export type ExecutionEvent = z.output<typeof ExecutionEvent>;

export const detailFields = {
  ...executionFields,
  events: z.array(ExecutionEvent).describe("What happened to it and why, oldest first"),
};

export const SequenceExecutionDetail = z.strictObject(detailFields).meta({ id: "SequenceExecutionDetail" });

const tag = "sequence-executions";

const planned = instantRange("scheduled_for");

const query = listQuery({
  orderings: ["-created_at", "scheduled_for"],
  filters: {
    status: ExecutionStatus.optional(),
    sequence: Id.optional(),
    enrollment: Id.optional(),
    step: Id.optional(),
    contact: Id.optional(),
    ...planned,
  },
});

/**
 * A range of moments is answered in the order of those moments: no index gives it in another order, and millions of rows
 * would be walked through to find the first few.
 */
const ExecutionQuery = query
  .extend({
    ordering: query.shape.ordering
      .unwrap()
      .optional()
      .describe(
        "Column to sort by; a leading `-` reverses. By default `-created_at`, with a range of `scheduled_for` `-scheduled_for`",
      ),
  })
  .superRefine((asked, context) => {
    if (!hasRange(asked) || orderingOf(asked).endsWith("scheduled_for")) return;
    const message = "is scheduled_for or -scheduled_for, or left out, when a range of scheduled_for is asked for";
    context.addIssue({ code: "custom", path: ["ordering"], message });
  });

type Asked = { readonly [Name in keyof typeof planned]?: Date | undefined } & {
  readonly ordering?: z.output<typeof query>["ordering"] | undefined;
};

/** The order in which these executions are listed. */
export function orderingOf(asked: Asked): z.output<typeof query>["ordering"] {
  return asked.ordering ?? (hasRange(asked) ? "-scheduled_for" : "-created_at");
}

function hasRange(asked: Asked): boolean {
  return (Object.keys(planned) as (keyof typeof planned)[]).some((bound) => asked[bound] !== undefined);
}

export const listSequenceExecutions = defineOperation({
  id: "listSequenceExecutions",
  method: "GET",
  path: "/api/v1/sequence-executions/",
  summary: "List executions",
  description:
    "What was sent, what is due and when, and what did not go out. `?status=in_doubt` lists the emails that wait to be settled: each may have arrived or not.",
  tag,
  auth: "key",
  query: ExecutionQuery,
  success: 200,
  output: pageOf(SequenceExecution, "SequenceExecutionPage"),
  errors: [],
});

export const getSequenceExecution = defineOperation({
  id: "getSequenceExecution",
  method: "GET",
  path: "/api/v1/sequence-executions/{id}/",
  summary: "Get an execution with its events",
  tag,
  auth: "key",
  params: z.strictObject({ id: Id }),
  success: 200,
  output: SequenceExecutionDetail,
  errors: [],
});
