import type { DoubtCounts } from "@dripline/db/queries/count-doubts";
import type { OpenDoubtRow } from "@dripline/db/queries/read-open-doubts";
import { maySendAgain } from "@dripline/domain/may-send-again";
import type { DoubtReport } from "@dripline/engine/doubt-report";
import { printable } from "./printable.ts";

/** What is in doubt and what became of earlier doubts, for people. Instants in UTC. */
export function describeDoubts({ bySequence, open }: DoubtReport, { limit }: { readonly limit: number }): string {
  if (bySequence.length === 0 && open.length === 0) return "Nothing is in doubt, and nothing ever was.";
  const all = sumOf(bySequence);
  const openCount = Math.max(all.open, open.length);
  const lines = [
    openCount === 0
      ? "Nothing is in doubt now."
      : `${emails(openCount)} in doubt now: ${openCount === 1 ? "it" : "each"} may have arrived or not.`,
    "",
    `  ${all.total} so far: ${whatBecame(all)}`,
    ...bySequence.map((counts) => `    ${printable(counts.sequenceName)}: ${whatBecame(counts)}`),
  ];
  if (open.length === 0) return lines.join("\n");
  lines.push("", "Oldest first:", ...open.flatMap((doubt) => ["", ...describeDoubt(doubt)]));
  if (open.length < openCount) lines.push("", `  … ${openCount - open.length} more: --limit shows more than ${limit}`);
  lines.push(
    "",
    "Look for the Message-ID in the mail server's log, or ask the contact. Then, with one id or several:",
    "  dripline settle <id> --sent     it arrived; an enrollment that waited goes on",
    "  dripline settle <id> --resend   it did not, or a second copy does no harm: the same message goes out again",
  );
  return lines.join("\n");
}

type Counts = Omit<DoubtCounts, "sequenceId" | "sequenceName">;

function sumOf(bySequence: readonly DoubtCounts[]): Counts {
  const sum = (of: keyof Counts) => bySequence.reduce((total, counts) => total + counts[of], 0);
  return {
    total: sum("total"),
    open: sum("open"),
    settledAsSent: sum("settledAsSent"),
    answeredLate: sum("answeredLate"),
    sentAgain: sum("sentAgain"),
  };
}

function whatBecame({ open, settledAsSent, answeredLate, sentAgain }: Counts): string {
  return `${open} open, ${settledAsSent} settled as sent, ${answeredLate} answered late, ${sentAgain} sent again`;
}

function describeDoubt(doubt: OpenDoubtRow): string[] {
  const since = doubt.handedOverAt === null ? "at an unknown time" : `${utc(doubt.handedOverAt)} UTC`;
  return [
    `  ${doubt.executionId}`,
    `    ${doubt.toAddress}, ${doubt.sequenceName} · ${doubt.stepNumber} ${doubt.stepName}, ${since}`,
    `    ${doubt.reason ?? "No reason was recorded."}`,
    `    Message-ID ${doubt.messageId ?? "unknown"}`,
    `    policy ${doubt.inDoubtPolicy}: ${whoWaits(doubt)}`,
  ].map(printable);
}

function whoWaits({ hasAdvanced, enrollmentStatus }: OpenDoubtRow): string {
  const isOver = enrollmentStatus !== "active" && enrollmentStatus !== "paused";
  const standing = hasAdvanced
    ? `the sequence went on; the enrollment is ${enrollmentStatus}`
    : isOver
      ? `the enrollment is ${enrollmentStatus}`
      : "the enrollment waits for this email";
  return maySendAgain(enrollmentStatus, hasAdvanced) ? standing : `${standing}, so it cannot be sent again`;
}

function emails(count: number): string {
  return count === 1 ? "1 email is" : `${count} emails are`;
}

function utc(at: Date): string {
  return at.toISOString().slice(0, 19).replace("T", " ");
}
