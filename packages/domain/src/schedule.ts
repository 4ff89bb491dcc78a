import { z } from "zod";
import { isHolidayCalendar, notAHolidayCalendar } from "./holidays.ts";
import { TimeZone } from "./time-zone.ts";

const startMessage = 'a window starts at "HH:MM" on the 24-hour clock, "00:00" to "23:59"';
const endMessage = 'a window ends at "HH:MM" on the 24-hour clock, "00:00" to "24:00"';
const dateMessage = 'a closed date is a real calendar date, "YYYY-MM-DD"';
const weekdayMessage = "a weekday is 1 (Monday) to 7 (Sunday)";
const specialDateMessage = 'special hours are for a real calendar date, "YYYY-MM-DD"';
const countryMessage = 'a holiday calendar\'s country is two capital letters, such as "TH" (ISO 3166-1)';
const regionMessage = 'a holiday calendar\'s region is a code such as "BY", or with its part "LA.NO"';
const spreadMessage = "the spread is a whole number of minutes, 0 to 1440";

/**
 * One window of the week, half-open [start, end) in local time. An end at or before the start is overnight: the window
 * belongs to its start day and ends on the next one ("22:00" to "06:00"; "08:00" to "08:00" lasts 24 hours).
 */
export const WeeklyWindow = z.object({
  weekday: z.int({ error: weekdayMessage }).min(1, weekdayMessage).max(7, weekdayMessage),
  start: z.string({ error: startMessage }).regex(/^([01]\d|2[0-3]):[0-5]\d$/, startMessage),
  end: z.string({ error: endMessage }).regex(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, endMessage),
});
export type WeeklyWindow = z.infer<typeof WeeklyWindow>;

/** The windows of one local date, in place of the weekly ones: half-days, and openings on days that are closed otherwise. */
export const SpecialHours = z.object({
  date: z.iso.date({ error: specialDateMessage }),
  windows: z
    .array(WeeklyWindow.omit({ weekday: true }))
    .min(1, "special hours have a window; a date without any belongs among the closed dates")
    .max(24, "special hours have at most 24 windows"),
});
export type SpecialHours = z.infer<typeof SpecialHours>;

/** Whose public holidays close a date: a country, or a part of it that has holidays of its own. There must be a calendar for it. */
export const HolidayCalendar = z
  .object({
    country: z.string({ error: countryMessage }).regex(/^[A-Z]{2}$/, { error: countryMessage, abort: true }),
    region: z
      .string({ error: regionMessage })
      .regex(/^[A-Z0-9-]{1,12}(\.[A-Z0-9-]{1,12})?$/, { error: regionMessage, abort: true })
      .nullable()
      .default(null),
  })
  .superRefine((calendar, context) => {
    if (isHolidayCalendar(calendar)) return;
    const isCountryKnown = isHolidayCalendar({ country: calendar.country, region: null });
    context.addIssue({
      code: "custom",
      path: [isCountryKnown ? "region" : "country"],
      message: notAHolidayCalendar(calendar),
    });
  });
export type HolidayCalendar = z.infer<typeof HolidayCalendar>;

/**
 * When email may go out. Windows may touch and overlap; a schedule without any never opens. For one local date special
 * hours count before a closed date, that before a public holiday, that before the week. Each of them speaks of the windows
 * that start on the date: an overnight window from the evening before still ends in its morning. A schedule is a value:
 * who wants another one makes a new object (what is worked out of one is kept by its identity).
 *
 * The limits keep one decision cheap whatever is stored: 168 windows are one for every hour of the week, 1,000 dates
 * are a decade of closures.
 */
export const Schedule = z
  .object({
    timezone: TimeZone,
    windows: z.array(WeeklyWindow).max(168, "a schedule has at most 168 windows a week"),
    closedDates: z.array(z.iso.date({ error: dateMessage })).max(1_000, "a schedule has at most 1000 closed dates"),
    /** Public holidays on which nothing goes out; null for none. */
    holidays: HolidayCalendar.nullable().default(null),
    /** Of one date, these count before a closed date, a holiday and the week. */
    specialHours: z.array(SpecialHours).max(1_000, "a schedule has special hours on at most 1000 dates").default([]),
    /** Whether a contact's own time zone, where one is known, takes the place of `timezone`. */
    usesContactTimezone: z.boolean({ error: "usesContactTimezone is true or false" }),
    /** Deferred emails are spread over this long after an opening, so that a morning does not start all at once. */
    spreadMinutes: z.int({ error: spreadMessage }).min(0, spreadMessage).max(1_440, spreadMessage).default(15),
  })
  .superRefine((schedule, context) => {
    for (const { index, message } of specialHoursConflicts(schedule)) {
      context.addIssue({ code: "custom", path: ["specialHours", index, "date"], message });
    }
  });
export type Schedule = z.infer<typeof Schedule>;

/** Which special hours contradict something else in the schedule, by their index, and what to tell who wrote them. */
export function specialHoursConflicts({
  closedDates,
  specialHours,
}: Pick<Schedule, "closedDates" | "specialHours">): { index: number; message: string }[] {
  const closed = new Set(closedDates);
  const taken = new Set<string>();
  return specialHours.flatMap(({ date }, index) => {
    const isTwice = taken.has(date);
    taken.add(date);
    if (isTwice) return [{ index, message: `${date} has special hours twice: put all its windows into one entry` }];
    if (!closed.has(date)) return [];
    return [{ index, message: `${date} is a closed date and has special hours: it can only be one of them` }];
  });
}

/** The default: Monday to Friday, 09:00 to 17:00 in Bangkok. */
export const BUSINESS_HOURS: Schedule = constant({
  timezone: "Asia/Bangkok",
  windows: [1, 2, 3, 4, 5].map((weekday) => ({ weekday, start: "09:00", end: "17:00" })),
  closedDates: [],
  holidays: null,
  specialHours: [],
  usesContactTimezone: false,
  spreadMinutes: 15,
});

/** Never closed: every day, all day. */
export const ALWAYS_OPEN: Schedule = constant({
  timezone: "UTC",
  windows: [1, 2, 3, 4, 5, 6, 7].map((weekday) => ({ weekday, start: "00:00", end: "24:00" })),
  closedDates: [],
  holidays: null,
  specialHours: [],
  usesContactTimezone: false,
  spreadMinutes: 0,
});

/** Frozen all the way down, so that nobody's edit becomes everybody's default. */
function constant(schedule: Schedule): Schedule {
  for (const window of schedule.windows) Object.freeze(window);
  Object.freeze(schedule.windows);
  Object.freeze(schedule.closedDates);
  Object.freeze(schedule.specialHours);
  return Object.freeze(schedule);
}
