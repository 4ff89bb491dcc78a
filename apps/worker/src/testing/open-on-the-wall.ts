import type { Schedule } from "@dripline/domain/schedule";

/** Public holidays of the cases that have a calendar, by hand. */
const holidays: Record<string, readonly string[]> = {
  TH: ["2026-10-23", "2026-12-07", "2026-12-10", "2026-12-31", "2027-01-01"],
};

/**
 * Whether a schedule is open at `at`, for tests: asks only what a clock on the wall shows (by Intl, not by the code under
 * test), so it is as simple as the sentence "open on Mondays from nine to five, unless that date is closed".
 */
export function isOpenOnTheWall(schedule: Schedule, zone: string, at: Date): boolean {
  const { date, time } = wall(zone, at);
  const dayBefore = new Date(Date.parse(`${date}T00:00:00Z`) - 86_400_000).toISOString().slice(0, 10);
  return (
    windowsOf(schedule, date).some(({ start, end }) => start <= time && (end <= start || time < end)) ||
    windowsOf(schedule, dayBefore).some(({ start, end }) => end <= start && time < end)
  );
}

function windowsOf(schedule: Schedule, date: string): readonly { start: string; end: string }[] {
  const special = schedule.specialHours.find((one) => one.date === date);
  if (special !== undefined) return special.windows;
  if (schedule.closedDates.includes(date)) return [];
  if (schedule.holidays !== null && (holidays[schedule.holidays.country] ?? []).includes(date)) return [];
  const weekday = new Date(`${date}T00:00:00Z`).getUTCDay() || 7;
  return schedule.windows.filter((window) => window.weekday === weekday);
}

function wall(zone: string, at: Date): { date: string; time: string } {
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "short" });
  const [date = "", time = ""] = format.format(at).split(" ");
  return { date, time };
}
