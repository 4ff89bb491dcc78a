import { EnrollmentStatus } from "@dripline/domain/statuses";
import { TimeZone } from "@dripline/domain/time-zone";
import { z } from "zod";
import { EmailAddress } from "./email-address.ts";
import { Attributes, Id, Instant, optionalLine, text } from "./fields.ts";
import { instantRange } from "./instant-range.ts";
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
    revision: z
      .int()
      .describe("Goes up whenever `notes` or `company` are written; the number in the ETag, for `If-Match`"),
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
      params: { code: "required" },
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

/** As `EnrollInput`, and with the names that answers have: `sequence`, `contact` and `company` may be ids. */
export const SequenceEnrollmentInput = z
  .strictObject({
    sequence: Id.optional(),
    sequence_id: Id.optional().describe("The same as `sequence`"),
    contact: z.union([Id, InlineContact], "is the id of a contact, or a contact with its `email`").optional(),
    contact_id: Id.optional().describe("The same as an id in `contact`"),
    company: enrolleeFields.company_id.unwrap().optional(),
    company_id: enrolleeFields.company_id.unwrap().optional().describe("The same as `company`"),
    notes: enrolleeFields.notes,
  })
  .check(({ value, issues }) => {
    for (const [name, isRequired] of [
      ["sequence", true],
      ["contact", true],
      ["company", false],
    ] as const) {
      const given = [value[name], value[`${name}_id`]].filter((each) => each !== undefined).length;
      if (given === 1 || (given === 0 && !isRequired)) continue;
      const message = given === 0 ? "is required" : `cannot stand beside ${name}_id: leave one out`;
      issues.push({
        code: "custom",
        path: [name],
        message,
        params: { code: given === 0 ? "required" : "invalid" },
        input: value,
      });
    }
  })
  .meta({
    id: "SequenceEnrollmentInput",
    examples: [{ sequence: "019a0000-0000-7000-8000-000000000003", contact: "019a0000-0000-7000-8000-000000000007" }],
  });

export const BulkEnrollItem = z.strictObject(enrolleeFields).check(nameOneContact).meta({ id: "BulkEnrollItem" });
export type BulkEnrollItem = z.output<typeof BulkEnrollItem>;
const notes = text(10_000);
const company = Id.nullable().describe("Instead of the contact's own company; times that are planned stay");

export const SequenceEnrollmentPut = z
  .strictObject({ notes: notes.default(""), company: company.default(null) })
  .meta({ id: "SequenceEnrollmentPut", examples: [{ notes: "Met at the fair", company: null }] });

export const SequenceEnrollmentPatch = z
  .strictObject({ notes: notes.optional(), company: company.optional() })
  .refine((changes) => Object.keys(changes).length > 0, "names nothing to change")
  .meta({ id: "SequenceEnrollmentPatch", examples: [{ notes: "Met at the fair" }] });

export const UnenrollStatus = z.enum(["cancelled", "paused", "unsubscribed"]);

export const UnenrollInput = z
  .strictObject({
    status: UnenrollStatus.default("cancelled"),
    reason: text(2_000).default("").describe("Goes into the enrollment's notes"),
  })
  .meta({ id: "UnenrollInput", examples: [{ status: "cancelled", reason: "Became a customer" }] });

/** The filters of the list, and of what is done to many at once. */
export const enrollmentFilters = {
  status: EnrollmentStatus.optional(),
  sequence: Id.optional(),
  contact: Id.optional(),
  ...instantRange("enrolled_at"),
  search: Search.optional().describe("In the contact's address and name, and the company's name"),
};

const tag = "sequence-enrollments";

export const listSequenceEnrollments = defineOperation({
  id: "listSequenceEnrollments",
  method: "GET",
  path: "/api/v1/sequence-enrollments/",
  summary: "List enrollments",
  tag,
  auth: "key",
  query: listQuery({
    orderings: ["-enrolled_at"],
    filters: enrollmentFilters,
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

const enrolling = {
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
} as const;

export const enroll = defineOperation({
  id: "enroll",
  method: "POST",
  path: "/api/v1/sequence-enrollments/enroll/",
  summary: "Enroll a contact in a sequence",
  description:
    "The first step is planned at once: the enrollment's moment plus its delay, moved into the next open window. Answers 201 also when the queue is down; the email goes out when it is back.",
  ...enrolling,
});

export const createSequenceEnrollment = defineOperation({
  id: "createSequenceEnrollment",
  method: "POST",
  path: "/api/v1/sequence-enrollments/",
  summary: "Create an enrollment",
  description: "The same as `enroll`, under the address of the list.",
  ...enrolling,
  body: SequenceEnrollmentInput,
});

export const replaceSequenceEnrollment = defineOperation({
  id: "replaceSequenceEnrollment",
  method: "PUT",
  path: "/api/v1/sequence-enrollments/{id}/",
  summary: "Replace what people write in an enrollment",
  description:
    "Notes and company; what is left out gets its default. All else is the record of what happened, and changes by operations of its own.",
  tag,
  auth: "key",
  takesIfMatch: true,
  params: z.strictObject({ id: Id }),
  body: SequenceEnrollmentPut,
  success: 200,
  output: SequenceEnrollment,
  errors: [],
});

export const updateSequenceEnrollment = defineOperation({
  id: "updateSequenceEnrollment",
  method: "PATCH",
  path: "/api/v1/sequence-enrollments/{id}/",
  summary: "Change the notes or the company of an enrollment",
  tag,
  auth: "key",
  takesIfMatch: true,
  params: z.strictObject({ id: Id }),
  body: SequenceEnrollmentPatch,
  success: 200,
  output: SequenceEnrollment,
  errors: [],
});

export const deleteSequenceEnrollment = defineOperation({
  id: "deleteSequenceEnrollment",
  method: "DELETE",
  path: "/api/v1/sequence-enrollments/{id}/",
  summary: "Delete an enrollment that has ended",
  description:
    "With its executions and their events; the emails stay in the log. It was the record that the contact had been in the sequence: without it they can be enrolled again, as if for the first time.",
  tag,
  auth: "key",
  takesIfMatch: true,
  params: z.strictObject({ id: Id }),
  success: 204,
  output: z.strictObject({ id: Id }),
  errors: ["enrollment_live"],
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
