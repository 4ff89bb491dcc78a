import { expect, test } from "vitest";
import { describeSettlement } from "./describe-settlement.ts";

test("a settlement says how many moved, and of each that was left alone why and what to do", () => {
  const text = describeSettlement(
    {
      settledIds: ["a", "b"],
      leftAlone: [
        { executionId: "c", kind: "unknown" },
        { executionId: "d", kind: "not_in_doubt", status: "sent" },
        { executionId: "e", kind: "enrollment_ended", enrollmentStatus: "cancelled" },
        { executionId: "f", kind: "changed_meanwhile" },
      ],
    },
    "resend",
  );
  expect(text.split("\n")).toEqual([
    "2 emails are sent again now, as soon as limits and windows allow.",
    "  c was left alone: there is no such execution.",
    "  d was left alone: it is not in doubt, but sent.",
    "  e was left alone: its enrollment is cancelled, so it is not sent again. --sent closes it.",
    "  f was left alone: its sequence was published in the same moment. Run this again.",
  ]);
  expect(describeSettlement({ settledIds: ["a"], leftAlone: [] }, "sent")).toBe("1 email is settled as sent.");
});
