import { isTimeZone } from "@dripline/domain/time-zone";
import { wallClock } from "@dripline/domain/wall-clock";
import type { PersonPlan, SendInPlan } from "@dripline/engine/plan-sends";
import { printable } from "./printable.ts";

/** Every future send of one person, for people: a line for each, in local time, with the reason why it is not earlier. */
export function describePlan(plan: PersonPlan): string {
  const { email, basis, obstacle, sends, passedOver } = plan;
  const title = basis === "enrolled" ? "enrolled, from where they stand" : "as if enrolled now";
  const inOrder = [
    ...sends.map((send) => ({ stepNumber: send.stepNumber, cells: cellsOf(send) })),
    ...passedOver.map(({ stepNumber, stepName }) => ({
      stepNumber,
      cells: [step(stepNumber, stepName), "passed over"],
    })),
  ].toSorted((a, b) => a.stepNumber - b.stepNumber);
  return [
    `${printable(email)} (${title})`,
    ...(obstacle === null ? [] : [`  ! ${printable(obstacle.message)}`]),
    ...(inOrder.length === 0 ? ["  Nothing is to be sent."] : table(inOrder.map(({ cells }) => cells))),
  ].join("\n");
}

function cellsOf(send: SendInPlan): string[] {
  const { stepNumber, stepName, status, timezone, timezoneSource, shifts } = send;
  return [
    step(stepNumber, stepName),
    status ?? "planned",
    when(send),
    `${timezone} (${timezoneSource}'s)`,
    shifts.join("; "),
  ];
}

function step(stepNumber: number, stepName: string): string {
  return `${stepNumber} ${stepName}`;
}

/** "Mon 2026-11-23 09:07"; where the spread decides, "Mon 2026-11-23 09:00 to 09:14". */
function when({ timezone, earliestAt, latestAt, isHeld }: SendInPlan): string {
  if (isHeld || !isTimeZone(timezone)) return "no date";
  const [first, last] = [wallClock(timezone, earliestAt), wallClock(timezone, latestAt)];
  const from = `${first.weekday.slice(0, 3)} ${first.date} ${first.time}`;
  if (last.date !== first.date) return `${from} to ${last.weekday.slice(0, 3)} ${last.date} ${last.time}`;
  return last.time === first.time ? from : `${from} to ${last.time}`;
}

function table(rows: readonly string[][]): string[] {
  const widths = [0, 1, 2, 3].map((column) => Math.max(0, ...rows.map((row) => printable(row[column] ?? "").length)));
  return rows.map((row) =>
    `  ${row.map((cell, column) => printable(cell).padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd(),
  );
}
