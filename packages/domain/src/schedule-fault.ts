import { isHolidayCalendar, notAHolidayCalendar } from "./holidays.ts";
import type { Schedule } from "./schedule.ts";
import { isTimeZone } from "./time-zone.ts";

export interface ScheduleFault {
  readonly reason: "unknown_time_zone" | "unknown_holiday_calendar";
  readonly message: string;
}

/**
 * What a stored schedule names that this machine or this version does not know: it was valid when it was written, but
 * zones and calendars come with software that changes. Nothing can be planned then, so emails are held with this
 * sentence; null if all is well. `zone` is the one in which the windows are to be read.
 */
export function scheduleFault(schedule: Schedule, zone: string): ScheduleFault | null {
  for (const name of [schedule.timezone, zone]) {
    if (isTimeZone(name)) continue;
    return { reason: "unknown_time_zone", message: `The time zone "${name}" is not known to this machine.` };
  }
  const { holidays } = schedule;
  if (holidays === null || isHolidayCalendar(holidays)) return null;
  return {
    reason: "unknown_holiday_calendar",
    message: `The schedule's holidays are not known to this version: ${notAHolidayCalendar(holidays)}.`,
  };
}
