import { type DeliveryBackoff, nameOfScope, TRANSPORT_SCOPE } from "@dripline/domain/delivery-backoff";
import { adoptRemedy } from "@dripline/domain/fence";
import type { DueReport, PendingWork } from "@dripline/engine/due-report";
import { printable } from "./printable.ts";

/** A report on what is due, for people. Instants in UTC. */
export function describeDue(report: DueReport, { dryRun, limit }: { dryRun: boolean; limit: number }): string {
  const counts = Object.entries(report.byStatus);
  const lines = [
    ...(report.fence.kind === "closed" ? [`${report.fence.message} ${adoptRemedy}`] : []),
    report.dueNow === 0
      ? "Nothing is due now."
      : `${report.dueNow} due now, the oldest for ${describeSeconds(report.oldestDueSeconds)}.`,
    ...report.backoffs.map(describeBackoff),
    "",
    ...(counts.length === 0
      ? ["No executions yet."]
      : counts.map(([status, count]) => `  ${status.padEnd(10)} ${count}`)),
  ];
  if (report.byStatus.in_doubt !== undefined) {
    lines.push("", "In doubt means: it may have arrived or not. To see which and why: dripline in-doubt");
  }
  if (!dryRun) return lines.join("\n");
  const { pending } = report;
  lines.push("", pending.length === 0 ? "No pending work." : "Pending work, soonest first (nothing was sent):");
  lines.push(...table(pending));
  if (pending.length === limit) lines.push(`  … perhaps more: --limit shows more than ${limit}`);
  return lines.join("\n");
}

function describeBackoff({ scope, message, nextAt }: DeliveryBackoff): string {
  const what =
    scope === TRANSPORT_SCOPE ? "Sending stands still" : `Emails to ${nameOfScope(scope)} leave one at a time`;
  return printable(`${what}, the next try is at ${utc(nextAt)}: ${message}`);
}

function utc(at: Date): string {
  return `${at.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

function table(pending: readonly PendingWork[]): string[] {
  const rows = pending.map((work) => [
    utc(work.scheduledFor),
    work.isDue ? "due" : work.status,
    work.contactEmail,
    `${work.sequenceName} · ${work.stepNumber} ${work.stepName}`,
    work.reason ?? "",
  ]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(0, ...rows.map((row) => printable(row[column] ?? "").length)));
  return rows.map((row) =>
    `  ${row.map((cell, column) => printable(cell).padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd(),
  );
}

function describeSeconds(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}
