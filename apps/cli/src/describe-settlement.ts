import { unreachable } from "@dripline/domain/unreachable";
import type { Unsettled } from "@dripline/engine/explain-unsettled";
import type { Settlement } from "@dripline/engine/settle-by-operator";

/** How many emails in doubt were settled, and which were left alone and why. */
export function describeSettlement({ settledIds, leftAlone }: Settlement, as: "sent" | "resend"): string {
  const count = settledIds.length;
  const subject = count === 1 ? "1 email is" : `${count} emails are`;
  return [
    as === "sent" ? `${subject} settled as sent.` : `${subject} sent again now, as soon as limits and windows allow.`,
    ...leftAlone.map((left) => `  ${left.executionId} was left alone: ${why(left)}`),
  ].join("\n");
}

function why(left: Unsettled): string {
  switch (left.kind) {
    case "unknown":
      return "there is no such execution.";
    case "not_in_doubt":
      return `it is not in doubt, but ${left.status}.`;
    case "enrollment_ended":
      return `its enrollment is ${left.enrollmentStatus}, so it is not sent again. --sent closes it.`;
    case "changed_meanwhile":
      return "its sequence was published in the same moment. Run this again.";
    default:
      return unreachable(left);
  }
}
