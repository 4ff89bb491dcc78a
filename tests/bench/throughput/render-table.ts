import type { Results } from "./results.ts";
import { type Row, tableRows } from "./table-rows.ts";
import { isReached } from "./targets.ts";

const columns = ["measured", "median", "min–max", "", "target", "reached"] as const;
/** Numbers stand to the right, so that their units are below each other. */
const rightColumns = new Set<string>(["median", "min–max", "target"]);

/** What was measured where, and the table in aligned Markdown. */
export function renderResults(results: Results): string {
  const rows = tableRows(results).map((row) => cellsOf(row, results.isQuick));
  return [...describe(results), "", ...alignTable([[...columns], ...rows])].join("\n");
}

function describe({ startedAt, sizes, machine, services, isQuick, growth }: Results): string[] {
  const { cores, cpu, memoryGigabytes, node } = machine;
  const rounds = growth === null ? "" : `, ${growth.rounds.length} of growth`;
  return [
    `${startedAt.slice(0, 10)}: ${cores} cores (${cpu}), ${memoryGigabytes} GB, Node.js ${node}, PostgreSQL ${services.postgres},`,
    `Redis ${services.redis}, mail to ${services.sink}.`,
    `${sizes.runs} ${sizes.runs === 1 ? "run" : "runs"}${rounds}, ${sizes.emails} emails a drain; every email arrived exactly once and is recorded as sent.`,
    ...(services.areEmbedded ? [] : ["CPU is that of our own processes only: the services run elsewhere."]),
    ...(isQuick ? ["A quick run shows that every part works. Its numbers say nothing."] : []),
  ];
}

function cellsOf({ measured, spread, unit, digits, beside = "", target }: Row, isQuick: boolean): string[] {
  const { median, min, max } = spread;
  const number = (value: number) => value.toFixed(digits);
  const bound =
    target && (target.atLeast === undefined ? `≤ ${trim(target.atMost ?? 0)}` : `≥ ${trim(target.atLeast)}`);
  return [
    measured,
    `${number(median)} ${unit}`,
    number(min) === number(max) ? "" : `${number(min)}–${number(max)}`,
    beside,
    bound === undefined ? "" : `${bound} ${unit}`,
    target === undefined || isQuick ? "" : isReached(target, spread) ? "yes" : "no",
  ];
}

function trim(value: number): string {
  return String(Number(value.toFixed(2)));
}

function alignTable(rows: readonly (readonly string[])[]): string[] {
  const widths = columns.map((_, column) => Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => (rightColumns.has(columns[column] ?? "") ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0))).join(" | ")} |`;
  const rule = columns.map((name, column) => {
    const dashes = "-".repeat((widths[column] ?? 3) - 1);
    return rightColumns.has(name) ? `${dashes}:` : `${dashes}-`;
  });
  const [head = [], ...body] = rows;
  return [line(head), line(rule), ...body.map(line)];
}
