import { EnrollmentStatus } from "@dripline/domain/statuses";
import { TimeZone } from "@dripline/domain/time-zone";
import { z } from "zod";
import { EmailAddress } from "./email-address.ts";
import { Attributes, Id, Instant, optionalLine, text } from "./fields.ts";
import { listQuery, pageOf, Search } from "./list.ts";
import { defineOperation } from "./operation.ts";
import { SequenceExecution } from "./sequence-executions.ts";

export const SequenceEnrollment = z
  .strictObject({
    id: Id,
    sequence: Id,
    sequence_name: z.string(),
    contact: Id,
    contact_name: z.string(),
    contact_email: z.string(),
    company: Id.nullable(),
    company_name: z.string().nullable(),
    status: EnrollmentStatus,
    end_reason: z.string().nullable(),
    progress: z.string().describe('Steps behind this enrollment, of all: "1/3 (33.3%)"'),
    current_step_number: z.int().describe("The last step that is over; 0 before the first"),
    enrolled_at: Instant,
    started_at: Instant.nullable().describe("When the first email went out"),
    completed_at: Instant.nullable(),
    ended_at: Instant.nullable().describe("When it ended, in whichever way"),
    paused_at: Instant.nullable(),
    resume_at: Instant.nullable().describe(
      "When a paused enrollment goes on by itself; null if somebody has to resume it",
    ),
    version: z.int().describe("The version of the sequence that this contact walks through"),
    notes: z.string(),
    step_executions: z.array(SequenceExecution),
  })
  .meta({ id: "SequenceEnrollment" });
export type SequenceEnrollment = z.output<typeof SequenceEnrollment>;

const InlineContact = z
  .strictObject({
    email: EmailAddress,
    first_name: optionalLine(100).default(""),
    last_name: optionalLine(100).default(""),
    timezone: TimeZone.nullable().default(null),
    attributes: Attributes.default({}),
  })
  .meta({
    id: "InlineContact",
    description: "Created if the address is new; an existing contact is taken as it is, nothing of it is overwritten.",
  });

/** Who is enrolled: the same for one as for each of many. */
const enrolleeFields = {
  contact_id: Id.optional(),
  contact: InlineContact.optional(),
  company_id: Id.nullable().default(null).describe("Instead of the contact's own company"),
  notes: text(10_000).default(""),
};

function nameOneContact({ value, issues }: z.core.ParsePayload<{ contact_id?: unknown; contact?: unknown }>): void {
  if (value.contact_id === undefined && value.contact === undefined) {
    issues.push({
      code: "custom",
      path: ["contact_id"],
      message: "is required: give contact_id or contact",
      input: value,
    });
  }
  if (value.contact_id !== undefined && value.contact !== undefined) {
    issues.push({
      code: "custom",
      path: ["contact"],
      message: "cannot stand beside contact_id: leave one out",
      input: value,
    });
  }
}

export const EnrollInput = z
  .strictObject({ sequence_id: Id, ...enrolleeFields })
  .check(nameOneContact)
  .meta({
    id: "EnrollInput",
    examples: [
      { sequence_id: "019a0000-0000-7000-8000-000000000003", contact: { email: "ann@example.com", first_name: "Ann" } },
    ],
  });

export const BulkEnrollItem = z.strictObject(enrolleeFields).check(nameOneContact).meta({ id: "BulkEnrollItem" });
export type BulkEnrollItem = z.output<typeof BulkEnrollItem>;

export const UnenrollInput = z
  .strictObject({
    status: z.enum(["cancelled", "paused", "unsubscribed"]).default("cancelled"),
    reason: text(2_000).default("").describe("Goes into the enrollment's notes"),
  })
  .meta({ id: "UnenrollInput", examples: [{ status: "cancelled", reason: "Became a customer" }] });

const tag = "sequence-enrollments";

export const listSequenceEnrollments = defineOperation({
  id: "listSequenceEnrollments",
  method: "GET",
  path: "/api/v1/sequence-enrollments/",
  summary: "List enrollments",
  tag,
  auth: "key",
  query: listQuery({
    orderings: ["-enrolled_at", "created_at"],
    filters: {
      status: EnrollmentStatus.optional(),
      sequence: Id.optional(),
      contact: Id.optional(),
      search: Search.optional().describe("In the contact's address and name, and the company's name"),
    },
  }),
  success: 200,
  output: pageOf(SequenceEnrollment, "SequenceEnrollmentPage"),
  errors: [],
});

export const getSequenceEnrollment = defineOperation({
  id: "getSequenceEnrollment",
  method: "GET",
  path: "/api/v1/sequence-enrollments/{id}/",
  summary: "Get an enrollment with its executions",
  tag,
  auth: "key",
  params: z.strictObject({ id: Id }),
  success: 200,
  output: SequenceEnrollment,
  errors: [],
});

export const enroll = defineOperation({
  id: "enroll",
  method: "POST",
  path: "/api/v1/sequence-enrollments/enroll/",
  summary: "Enroll a contact in a sequence",
  description:
    "The first step is planned at once: the enrollment's moment plus its delay, moved into the next open window. Answers 201 also when the queue is down; the email goes out when it is back.",
  tag,
  auth: "key",
  scope: "enroll",
  body: EnrollInput,
  success: 201,
  output: SequenceEnrollment,
  errors: [
    "already_enrolled",
    "re_enrollment_too_soon",
    "sequence_changed",
    "sequence_not_active",
    "sequence_without_steps",
    "contact_opted_out",
    "contact_suppressed",
  ],
});

export const unenroll = defineOperation({
  id: "unenroll",
  method: "POST",
  path: "/api/v1/sequence-enrollments/{id}/unenroll/",
  summary: "Take a contact out of a sequence",
  description:
    "Everything not yet sent becomes `skipped`. `paused` also skips what is waiting; `unsubscribed` says that the contact asked for it.",
  tag,
  auth: "key",
  scope: "enroll",
  params: z.strictObject({ id: Id }),
  body: UnenrollInput,
  success: 200,
  output: SequenceEnrollment,
  errors: ["enrollment_not_live"],
});
