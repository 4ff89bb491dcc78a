import type { ExecutionExplanation } from "@dripline/engine/explain-executions";
import { expect, test } from "vitest";
import { describeExplanation } from "./describe-explanation.ts";

const at = new Date("2026-11-23T02:07:00Z");
const id = "0199a8d6-0000-7000-8000-000000000001";
const explanation: ExecutionExplanation = {
  execution: id,
  status: "scheduled",
  enrollment: "0199a8d6-0000-7000-8000-000000000002",
  sequence: "0199a8d6-0000-7000-8000-000000000003",
  sequence_name: "Onboarding\u001b[2J",
  step_number: 2,
  step_name: "Tips",
  contact_email: "ada@example.com",
  summary: "It goes out at Monday 2026-11-23 09:07 in Asia/Bangkok, if nothing changes until then.",
  next_try: at,
  explained_at: at,
  judged_at: at,
  decision: { kind: "deliver", reason: null, message: null },
  gates: [
    { name: "sequence", passed: true, instead: null, sentence: "The sequence is active.", data: { status: "active" } },
    {
      name: "suppression",
      passed: false,
      instead: "stop",
      sentence: "The contact's address is on the suppression list.",
      data: { is_suppressed: true },
    },
  ],
};

test("an explanation names the email, sums up, and marks what stands in the way, in columns", () => {
  expect(describeExplanation(explanation).split("\n")).toEqual([
    "ada@example.com · Onboarding [2J · 2 Tips",
    `  scheduled  ${id}`,
    "",
    "  It goes out at Monday 2026-11-23 09:07 in Asia/Bangkok, if nothing changes until then.",
    "",
    "  The gates:",
    "  ✓ sequence     The sequence is active.",
    "  ✗ suppression  The contact's address is on the suppression list.",
  ]);
});

test("of an email that is over, nobody takes the gates for what they were then", () => {
  const text = describeExplanation({ ...explanation, status: "sent", next_try: null });
  expect(text).toContain("as they stand now, although it is over");
});
