import type { ExecutionExplanation } from "@dripline/engine/explain-executions";
import { printable } from "./printable.ts";

/** Statuses in which nothing further happens: the gates are for information. */
const isOver: ReadonlySet<string> = new Set(["sent", "skipped", "in_doubt"]);

/** Why an email goes out when it does, or does not, for people: what stands in the way is marked with a cross. */
export function describeExplanation(explanation: ExecutionExplanation): string {
  const { contact_email, sequence_name, step_number, step_name, status, summary, gates } = explanation;
  const width = Math.max(...gates.map((gate) => gate.name.length));
  const lines = [
    `${contact_email} · ${sequence_name} · ${step_number} ${step_name}`,
    `  ${status}  ${explanation.execution}`,
    "",
    `  ${summary}`,
    "",
    `  ${isOver.has(status) ? "The gates as they stand now, although it is over:" : "The gates:"}`,
    ...gates.map((gate) => `  ${gate.passed ? "✓" : "✗"} ${gate.name.padEnd(width)}  ${gate.sentence}`),
  ];
  return lines.map(printable).join("\n");
}
