import { DateTime } from "luxon";
import { addDelay, REAL_PACE } from "../src/delay.ts";
import { Schedule } from "../src/schedule.ts";
import { planSendTime } from "../src/send-time.ts";

// How many send times one core decides in a second, with public holidays. The ceiling beside it is what the same run needs
// to name a local time at all: one luxon DateTime in a zone, which a decision without any cache makes several of.

const zones = [
  "America/New_York Europe/Berlin Asia/Bangkok Asia/Kathmandu Australia/Lord_Howe America/Sao_Paulo Africa/Casablanca",
  "Pacific/Apia America/St_Johns Asia/Tokyo Europe/London Pacific/Chatham America/Havana Africa/Cairo Asia/Tehran UTC",
]
  .join(" ")
  .split(" ");
const instants = instantsOf(2026, 2027, 10_000);

for (const holidays of [
  { country: "US", region: null },
  { country: "DE", region: "BY" },
]) {
  const schedule = Schedule.parse({
    timezone: "UTC",
    windows: [1, 2, 3, 4, 5].flatMap((weekday) => [
      { weekday, start: "09:00", end: "12:00" },
      { weekday, start: "13:00", end: "17:00" },
    ]),
    closedDates: ["2026-12-24", "2027-12-24"],
    specialHours: [{ date: "2026-12-31", windows: [{ start: "09:00", end: "12:00" }] }],
    holidays,
    usesContactTimezone: true,
  });
  const name = `${holidays.country}${holidays.region === null ? "" : `-${holidays.region}`}`;

  report(`${name}: due at any time`, (dueAt, zone) => planSendTime({ schedule, zone, dueAt, seed: "x" }));
  report(`${name}: the schedule read anew for each`, (dueAt, zone) =>
    planSendTime({ schedule: { ...schedule }, zone, dueAt, seed: "x" }),
  );
  for (const [what, accepts] of [
    ["inside a window", (hour, weekday) => weekday < 6 && hour === 10],
    ["at night", (hour, weekday) => weekday < 6 && hour > 20],
    ["at a weekend", (_hour, weekday) => weekday >= 6],
  ] satisfies [string, (hour: number, weekday: number) => boolean][]) {
    report(`${name}: due ${what}`, (dueAt, zone) => planSendTime({ schedule, zone, dueAt, seed: "x" }), accepts);
  }
  const christmas = instants.map((at) => new Date(Date.UTC(2026, 11, 25) + (at.getTime() % 86_400_000)));
  report(
    `${name}: due on 25 December`,
    (dueAt, zone) => planSendTime({ schedule, zone, dueAt, seed: "x" }),
    null,
    christmas,
  );
  report(`${name}: 5 business days later, then into a window`, (from, zone) => {
    const dueAt = addDelay(from, { value: 5, unit: "business_days" }, { schedule, zone, pace: REAL_PACE });
    return planSendTime({ schedule, zone, dueAt, seed: "x" });
  });
}

type Accepts = (hour: number, weekday: number) => boolean;

function report(
  what: string,
  decide: (at: Date, zone: string) => unknown,
  accepts: Accepts | null = null,
  from = instants,
): void {
  const cases = from
    .map((at, index) => ({ at, zone: zones[index % zones.length] ?? "UTC" }))
    .filter(({ at, zone }) => {
      const local = DateTime.fromJSDate(at, { zone });
      return accepts === null || accepts(local.hour, local.weekday);
    });
  const perSecond = rate(cases, ({ at, zone }) => decide(at, zone));
  const ceiling = rate(cases, ({ at, zone }) => DateTime.fromMillis(at.getTime(), { zone }).hour);
  console.log(
    `${what.padEnd(58)} ${count(perSecond)} decisions/s  ${(perSecond / ceiling).toFixed(1).padStart(5)} x luxon's ${count(ceiling)} local times/s`,
  );
}

/**
 * Rounds over all cases for half a second of processor time, after one that fills the caches. Processor time of the whole
 * process, garbage collection included: a machine that is busy with something else changes the figure least.
 */
function rate<Case>(cases: Case[], run: (one: Case) => unknown): number {
  let kept = 0; // so that nothing that is measured can be left out
  const round = () => {
    for (const one of cases) kept += run(one) === undefined ? 0 : 1;
  };
  round();
  const begun = process.cpuUsage();
  let rounds = 0;
  let seconds = 0;
  do {
    round();
    rounds += 1;
    const { user, system } = process.cpuUsage(begun);
    seconds = (user + system) / 1_000_000;
  } while (seconds < 0.5);
  if (kept !== cases.length * (rounds + 1)) throw new Error("a decision gave nothing");
  return (cases.length * rounds) / seconds;
}

function instantsOf(firstYear: number, lastYear: number, number: number): Date[] {
  const [start, end] = [Date.UTC(firstYear, 0, 1), Date.UTC(lastYear + 1, 0, 1)];
  // Steps by the golden ratio: spread evenly over years, weekdays and hours, the same in every run.
  return Array.from({ length: number }, (_, index) => {
    const share = (index * 0.618_033_988_749_895) % 1;
    return new Date(start + Math.floor(share * (end - start)));
  });
}

function count(perSecond: number): string {
  return Math.round(perSecond).toLocaleString("en").padStart(9);
}
