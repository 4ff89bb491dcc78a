import { problemWithPlanMoment } from "@dripline/domain/plan-moment";
import { ExecutionStatus } from "@dripline/domain/statuses";
import { TimeZone, ZoneSource } from "@dripline/domain/time-zone";
import { z } from "zod";
import { EmailAddress } from "./email-address.ts";
import { Id, Instant } from "./fields.ts";
import { defineOperation } from "./operation.ts";

const peopleMax = 1_000;
const csvCharactersMax = 1_000_000;

export const VersionChoice = z
  .enum(["current", "draft"])
  .default("current")
  .describe("`draft`: the steps that are being edited and not published yet");

const PlanPerson = z
  .strictObject({
    contact_id: Id.optional(),
    email: EmailAddress.optional(),
    timezone: TimeZone.nullable().optional(),
    company_timezone: TimeZone.nullable().optional(),
  })
  .check(({ value, issues }) => {
    if ((value.contact_id === undefined) === (value.email === undefined)) {
      issues.push({ code: "custom", path: [], message: "names one person: give contact_id or email", input: value });
    }
  })
  .meta({
    id: "PlanPerson",
    description: "Of a contact who is known, their own zones count; those given here are for addresses that are not.",
  });

export const PlanInput = z
  .strictObject({
    contact_id: Id.optional(),
    contacts: z
      .array(PlanPerson)
      .min(1, "names nobody")
      .max(peopleMax, `names more than ${peopleMax} people`)
      .optional(),
    csv: z
      .string()
      .max(csvCharactersMax, `is longer than ${csvCharactersMax} characters: dripline plan reads files of any size`)
      .optional()
      .describe(
        `At most ${peopleMax} rows under a header that names \`email\` and perhaps \`timezone\` and \`company_timezone\`; commas, semicolons or tabs`,
      ),
    now: Instant.check(({ value, issues }) => {
      const message = problemWithPlanMoment(value);
      if (message !== undefined) issues.push({ code: "custom", message, input: value });
    })
      .optional()
      .describe("Plan as if it were then, in the years 2000 to 2099; left out, the server's now"),
    version: VersionChoice,
  })
  .check(({ value, issues }) => {
    const given = [value.contact_id, value.contacts, value.csv].filter((each) => each !== undefined).length;
    if (given === 1) return;
    const message = "is required: give exactly one of contact_id, contacts and csv";
    const params = { code: given === 0 ? "required" : "invalid" };
    issues.push({ code: "custom", path: ["contact_id"], message, params, input: value });
  })
  .meta({
    id: "PlanInput",
    examples: [{ contacts: [{ email: "ann@example.com", timezone: "Asia/Bangkok" }], now: "2026-11-20T08:00:00Z" }],
  });
export type PlanInput = z.output<typeof PlanInput>;

export const PlannedSend = z
  .strictObject({
    step_number: z.int(),
    step_name: z.string(),
    status: ExecutionStatus.nullable().describe("Of the execution that exists; null where there is none yet"),
    due_at: Instant.describe("When its delay is over, before any window moves it"),
    scheduled_for: Instant.describe("Exact for who is enrolled; else one example within the spread"),
    local_time: z.string().nullable().describe("`scheduled_for` on the wall clock of `timezone`"),
    timezone: z.string(),
    timezone_source: ZoneSource,
    earliest_at: Instant,
    latest_at: Instant.describe("The last moment that is possible; after `earliest_at` where the spread decides"),
    shifts: z.array(z.string()).describe("Why it is not simply the step before plus its delay"),
    is_held: z.boolean().describe("It has no time, so nothing can be said about what follows"),
  })
  .meta({ id: "PlannedSend" });

export const SendPlan = z
  .strictObject({
    email: z.string(),
    contact: Id.nullable(),
    basis: z
      .enum(["enrolled", "hypothetical"])
      .describe("From where the contact stands in the sequence, or as if they were enrolled at `now`"),
    obstacle: z
      .strictObject({ code: z.string(), message: z.string() })
      .nullable()
      .describe("Why nothing goes out now, or why enrolling would be refused"),
    sends: z.array(PlannedSend),
    passed_over: z
      .array(z.strictObject({ step_number: z.int(), step_name: z.string(), passed_at: Instant }))
      .describe("Inactive steps on the way"),
  })
  .meta({ id: "SendPlan" });
export type SendPlan = z.output<typeof SendPlan>;

export const SendPlans = z
  .strictObject({
    now: Instant,
    pace_day_milliseconds: z.int().optional().describe("How long a day of delay lasts, if time is compressed"),
    results: z.array(SendPlan),
    errors: z
      .array(z.strictObject({ line: z.int(), message: z.string() }))
      .describe("Rows of the CSV that could not be used"),
  })
  .meta({ id: "SendPlans" });

export const planSends = defineOperation({
  id: "planSends",
  method: "POST",
  writes: false,
  path: "/api/v1/email-sequences/{id}/plan/",
  summary: "Plan every future send, for a contact, a list or a CSV",
  description:
    "A dry run in time: writes nothing and sends nothing. Limits on emails a second, a day or a contact are not foreseen.",
  tag: "email-sequences",
  auth: "key",
  params: z.strictObject({ id: Id }),
  body: PlanInput,
  success: 200,
  output: SendPlans,
  errors: ["no_draft"],
});
