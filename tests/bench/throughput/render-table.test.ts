import { expect, test } from "vitest";
import { renderResults } from "./render-table.ts";
import type { Results } from "./results.ts";
import { fullSizes } from "./sizes.ts";

const cpuParts = { workers: 2, postgres: 0.6, redis: 0.3, sink: 0.1 };
const drain = (perSecond: number, before: number, after: number, workerMemoryBytes: number): Results["drains"][0] => ({
  backend: "redis",
  workers: 2,
  drained: { perSecond, cpuMilliseconds: 3, cpuParts, workerMemoryBytes, transactions: 0.5 },
  ceilings: [
    { perSecond: before, cpuMilliseconds: 2 },
    { perSecond: after, cpuMilliseconds: 2 },
  ],
});

const results: Results = {
  startedAt: "2026-11-25T09:00:00.000Z",
  isQuick: false,
  sizes: { ...fullSizes, runs: 3 },
  machine: { cores: 2, cpu: "A CPU", memoryGigabytes: 8, node: "v24.0.0" },
  services: { postgres: "18.4 (fsync on)", redis: "7.0.15", sink: "smtp-sink (Postfix)", areEmbedded: true },
  drains: [drain(900, 1_000, 1_000, 200e6), drain(440, 500, 300, 251e6), drain(1_000, 1_000, 1_000, 210e6)],
  enrollments: [],
  lateness: [],
  waiting: [],
  growth: null,
};

/** The cells of the line that begins with this. */
function cells(text: string, measured: string): string[] | undefined {
  const rows = text.split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
  return rows.find(([, first]) => first === measured)?.slice(2, -1);
}

test("a drain is compared with the ceiling before and after it, and the median of the runs is judged", () => {
  const text = renderResults(results);
  const row = cells(text, "drain, Redis, 2 workers");
  expect(row).toEqual(["1.00 × A", "0.90–1.10", "900 a second (440–1000)", "≥ 1 × A", "yes"]);
});

test("of a worker's memory the worst run is judged", () => {
  const row = cells(renderResults(results), "worker memory, the most resident");
  expect(row).toEqual(["210 MB", "200–251", "", "≤ 250 MB", "no"]);
});

test("the table has a line for what was measured, in columns that stand below each other", () => {
  const lines = renderResults(results).split("\n");
  const table = lines.filter((line) => line.startsWith("|"));
  expect(new Set(table.map((line) => line.length)).size).toBe(1);
  expect(table.join()).not.toContain("enroll");
  expect(lines.slice(0, 3).join(" ")).toContain("2 cores (A CPU), 8 GB, Node.js v24.0.0, PostgreSQL 18.4 (fsync on)");
});

test("a quick run says that its numbers say nothing, and judges none", () => {
  const text = renderResults({ ...results, isQuick: true });
  expect(text).toContain("Its numbers say nothing");
  expect(cells(text, "drain, Redis, 2 workers")?.at(-1)).toBe("");
});

test("of given services nothing is said that was not measured", () => {
  const text = renderResults({ ...results, services: { ...results.services, areEmbedded: false } });
  expect(text).toContain("CPU is that of our own processes only");
});
