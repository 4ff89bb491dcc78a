import { problemWithPlanMoment } from "@dripline/domain/plan-moment";
import { TimeZone, ZoneSource } from "@dripline/domain/time-zone";
import { z } from "zod";
import { Id, Instant } from "./fields.ts";
import { defineOperation } from "./operation.ts";

const countMessage = "is a whole number from 1 to 50";

const Opening = z
  .strictObject({
    starts_at: Instant,
    ends_at: Instant.describe("The first moment that is outside again"),
    local_start: z.string().describe("The same in `timezone`, with its offset then: `2026-11-23T09:00:00+07:00`"),
    local_end: z.string(),
  })
  .meta({ id: "ScheduleOpening" });

const ClosedDay = z
  .strictObject({
    date: z.string().describe("Local, `YYYY-MM-DD`"),
    kind: z
      .enum(["closed_date", "holiday", "special_hours"])
      .describe("`special_hours`: the date has windows of its own in place of the week's"),
    holiday_name: z.string().nullable(),
    closed_from: z.string().nullable().describe("`HH:MM`, for a holiday that begins in the course of the day"),
  })
  .meta({ id: "ScheduleClosedDay" });

export const NextOpenings = z
  .strictObject({
    from: Instant,
    timezone: z.string().describe("The zone in which the windows are read"),
    timezone_source: ZoneSource,
    is_open: z.boolean().describe("Whether email may go out at `from`"),
    results: z
      .array(Opening)
      .describe("In order, none touching what another one has; the first may have begun already"),
    closed_days: z
      .array(ClosedDay)
      .describe("Dates up to the last of these openings on which the week's windows do not apply, and why"),
    problem: z
      .strictObject({ reason: z.string(), message: z.string() })
      .nullable()
      .describe("Why there are fewer openings than asked for; emails would be held for this reason"),
  })
  .meta({ id: "NextOpenings" });
export type NextOpenings = z.output<typeof NextOpenings>;

export const getNextOpenings = defineOperation({
  id: "getNextOpenings",
  method: "GET",
  path: "/api/v1/schedules/{id}/next-openings/",
  summary: "When a schedule opens next",
  description:
    "Half-open intervals in UTC and in local time. Windows that overlap are told without what an earlier one has already, so that together they are exactly the open time.",
  tag: "schedules",
  auth: "key",
  params: z.strictObject({ id: Id }),
  query: z.strictObject({
    from: Instant.check(({ value, issues }) => {
      const message = problemWithPlanMoment(value);
      if (message !== undefined) issues.push({ code: "custom", message, input: value });
    })
      .optional()
      .describe("In the years 2000 to 2099; left out, the server's now"),
    count: z.coerce
      .number({ error: countMessage })
      .int(countMessage)
      .min(1, countMessage)
      .max(50, countMessage)
      .default(5),
    timezone: TimeZone.optional().describe(
      "Of somebody who is to get email; it counts if the schedule `uses_contact_timezone`, as it would for them",
    ),
  }),
  success: 200,
  output: NextOpenings,
  errors: [],
});
