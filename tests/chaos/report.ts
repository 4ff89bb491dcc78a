import { lostEmails } from "./checker/accounted-for.ts";
import { arrivalsByExecution } from "./checker/deliveries.ts";
import type { RunResult } from "./run-once.ts";
import { isAccepted } from "./sink/sink-entry.ts";

const columns = [
  "profile",
  "seed",
  "emails",
  "kills / stops / flushes / redis / pg / holes / rolls / sink",
  "accepted",
  "distinct",
  "dup",
  "lost",
  "in doubt (arrived / not)",
  "per kill",
  "failed",
  "deferred",
  "quiet after",
  "seconds",
  "verdict",
] as const;

/** The two lines with which the table begins, in Markdown. */
export function tableHead(): string[] {
  return [row(columns), row(columns.map(() => "---"))];
}

/** A run's line of the table. */
export function tableRow({ history, broken }: RunResult, profile: string): string {
  const { run, sink, executions, faults } = history;
  const accepted = sink.filter(isAccepted);
  const distinct = new Set(accepted.map(({ messageId }) => messageId)).size;
  const arrivals = arrivalsByExecution(history);
  const doubtful = executions.filter(({ status }) => status === "in_doubt");
  const arrived = doubtful.filter(({ id }) => arrivals.has(id)).length;
  const struck = (kind: string) => faults.filter((fault) => fault.kind === kind).length;
  const kills = struck("kill");
  const quietSeconds = run.drainedAt === null ? "never" : `${seconds(run.drainedAt - run.lastFaultAt)} s`;
  return row([
    profile,
    String(run.seed),
    String(executions.length),
    [
      kills,
      ...["freeze", "flush", "redis_kill", "postgres_restart", "black_hole", "roll", "sink_kill"].map(struck),
    ].join(" / "),
    String(accepted.length),
    String(distinct),
    String(accepted.length - distinct),
    String(lostEmails(history).length),
    `${doubtful.length} (${arrived} / ${doubtful.length - arrived})`,
    kills === 0 ? "–" : (doubtful.length / kills).toFixed(2),
    String(executions.filter(({ status }) => status === "failed").length),
    String(executions.filter(({ reasons }) => reasons.includes("outside_window")).length),
    quietSeconds,
    seconds((run.drainedAt ?? Date.now()) - run.startedAt),
    broken.length === 0 ? "green" : `RED: ${broken.map(({ invariant }) => invariant).join(", ")}`,
  ]);
}

/** What a run broke, with some examples of each. */
export function describeBroken({ broken }: RunResult, examplesMax = 5): string[] {
  return broken.flatMap(({ invariant, violations }) => [
    `  ✗ ${invariant} (${violations.length})`,
    ...violations.slice(0, examplesMax).map((violation) => `      ${violation}`),
  ]);
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1_000).toFixed(0);
}
