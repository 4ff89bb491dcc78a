import { Schedule as ScheduleRules, specialHoursConflicts } from "@dripline/domain/schedule";
import { z } from "zod";
import { Id, Instant, line } from "./fields.ts";
import { listQuery, pageOf, Search } from "./list.ts";
import { defineOperation } from "./operation.ts";
import { Revision } from "./revision.ts";

const rules = ScheduleRules.shape;
const Window = rules.windows.element.strict().meta({
  id: "WeeklyWindow",
  description:
    "Half-open, in local time; weekday 1 is Monday. An end at or before the start is on the next day (overnight).",
});

const HolidayCalendar = rules.holidays.unwrap().unwrap().strict().meta({
  id: "HolidayCalendar",
  description:
    'Public holidays of a country, or of one of its regions: `{"country": "DE"}`, `{"country": "DE", "region": "BY"}`. Observed days count.',
});

const SpecialHours = rules.specialHours.unwrap().element.strict().meta({
  id: "SpecialHours",
  description: "The windows of one date, in place of the weekly ones; they count before a closed date and a holiday.",
});

export const Schedule = z
  .strictObject({
    id: Id,
    name: z.string(),
    timezone: z.string(),
    windows: z.array(Window),
    closed_dates: z.array(z.string()),
    // As it was stored: a calendar that this version does not know any more can still be read.
    holidays: z.strictObject({ country: z.string(), region: z.string().nullable() }).nullable(),
    special_hours: z.array(SpecialHours),
    uses_contact_timezone: z.boolean(),
    spread_minutes: z.int(),
    is_default: z.boolean(),
    revision: Revision,
    created_at: Instant,
    updated_at: Instant,
  })
  .meta({ id: "Schedule" });
export type Schedule = z.output<typeof Schedule>;

const fields = {
  name: line(200),
  timezone: rules.timezone.describe("IANA name"),
  windows: z.array(Window).max(168, "a schedule has at most 168 windows a week"),
  closed_dates: rules.closedDates,
  holidays: HolidayCalendar.nullable().describe("Whose public holidays close a date; null for none"),
  special_hours: z.array(SpecialHours).max(1_000, "at most 1000 dates").describe("Half-days and exceptional openings"),
  uses_contact_timezone: z
    .boolean()
    .describe("Read the windows in the contact's own zone, else the company's, if known"),
  spread_minutes: rules.spreadMinutes.unwrap().describe("Deferred emails are spread over this long after an opening"),
};

export const ScheduleInput = z
  .strictObject({
    ...fields,
    closed_dates: fields.closed_dates.default([]),
    holidays: fields.holidays.default(null),
    special_hours: fields.special_hours.default([]),
    uses_contact_timezone: fields.uses_contact_timezone.default(false),
    spread_minutes: fields.spread_minutes.default(15),
  })
  .check(({ value, issues }) => {
    const { closed_dates: closedDates, special_hours: specialHours } = value;
    for (const { index, message } of specialHoursConflicts({ closedDates, specialHours })) {
      issues.push({ code: "custom", path: ["special_hours", index, "date"], message, input: value });
    }
  })
  .meta({
    id: "ScheduleInput",
    examples: [{ name: "Mondays", timezone: "Asia/Bangkok", windows: [{ weekday: 1, start: "09:00", end: "17:00" }] }],
  });

/** Any of these fields; the others stay as they are. Whether they agree is looked at with the others in place. */
export const SchedulePatch = z
  .strictObject(fields)
  .partial()
  .refine((changes) => Object.keys(changes).length > 0, "names nothing to change")
  .meta({ id: "SchedulePatch", examples: [{ closed_dates: ["2027-01-02"] }] });

const tag = "schedules";

export const listSchedules = defineOperation({
  id: "listSchedules",
  method: "GET",
  path: "/api/v1/schedules/",
  summary: "List schedules",
  tag,
  auth: "key",
  query: listQuery({
    orderings: ["-created_at", "name"],
    filters: { search: Search.optional().describe("In the name") },
  }),
  success: 200,
  output: pageOf(Schedule, "SchedulePage"),
  errors: [],
});

export const createSchedule = defineOperation({
  id: "createSchedule",
  method: "POST",
  path: "/api/v1/schedules/",
  summary: "Create a schedule",
  tag,
  auth: "key",
  body: ScheduleInput,
  success: 201,
  output: Schedule,
  errors: ["name_taken"],
});

export const getSchedule = defineOperation({
  id: "getSchedule",
  method: "GET",
  path: "/api/v1/schedules/{id}/",
  summary: "Get a schedule",
  tag,
  auth: "key",
  params: z.strictObject({ id: Id }),
  success: 200,
  output: Schedule,
  errors: [],
});

const editing =
  "Live at once, in every sequence that uses it. Emails that are planned already keep their moment. When it comes they are looked at again: one that the schedule does not let out any more waits for the next opening.";

export const replaceSchedule = defineOperation({
  id: "replaceSchedule",
  method: "PUT",
  path: "/api/v1/schedules/{id}/",
  summary: "Replace a schedule",
  description: `What is left out gets its default. ${editing}`,
  tag,
  auth: "key",
  takesIfMatch: true,
  params: z.strictObject({ id: Id }),
  body: ScheduleInput,
  success: 200,
  output: Schedule,
  errors: ["name_taken"],
});

export const updateSchedule = defineOperation({
  id: "updateSchedule",
  method: "PATCH",
  path: "/api/v1/schedules/{id}/",
  summary: "Change a schedule",
  description: `What is left out stays; a list takes the place of the whole list. ${editing}`,
  tag,
  auth: "key",
  takesIfMatch: true,
  params: z.strictObject({ id: Id }),
  body: SchedulePatch,
  success: 200,
  output: Schedule,
  errors: ["name_taken"],
});

export const deleteSchedule = defineOperation({
  id: "deleteSchedule",
  method: "DELETE",
  path: "/api/v1/schedules/{id}/",
  summary: "Delete a schedule that no sequence follows",
  description: "The default schedule stays: sequences that name none get it. `sequences` of an `in_use` has up to 20.",
  tag,
  auth: "key",
  takesIfMatch: true,
  params: z.strictObject({ id: Id }),
  success: 204,
  output: z.strictObject({ id: Id }),
  errors: ["in_use"],
});
