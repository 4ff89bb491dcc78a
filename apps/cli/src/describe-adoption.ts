import type { DueCounts } from "@dripline/db/queries/count-due";

/** What adopting a database would let out, for people. */
export function describeAdoption(
  message: string,
  { due, people, oldestDueAt, nextDay }: DueCounts,
  holdDueBy: Date | null,
): string[] {
  const since = oldestDueAt === null ? "" : `, the oldest since ${oldestDueAt.toISOString()}`;
  const to = `to ${people} ${people === 1 ? "person" : "people"}`;
  return [
    message,
    "",
    "If you adopt it, emails go out from here:",
    due === 0
      ? "  nothing is due now"
      : `  ${due} ${due === 1 ? "is" : "are"} due, ${to}${since}; they leave in their windows and under the limits`,
    `  ${nextDay} more within the next 24 hours`,
    ...(holdDueBy === null
      ? [
          "After a restore: what the lost original sent since the backup is not known here and goes out again, unless it is",
          "held for you to look at (--hold-due).",
        ]
      : [`What was due by ${holdDueBy.toISOString()} is held, for you to look at: it may have been sent before.`]),
    "Be sure that nothing else sends from this data: the same people would get everything twice.",
  ];
}
