import type { OpenDoubtRow } from "@dripline/db/queries/read-open-doubts";
import type { DoubtReport } from "@dripline/engine/doubt-report";
import { expect, test } from "vitest";
import { describeDoubts } from "./describe-doubts.ts";

const doubt: OpenDoubtRow = {
  executionId: "0199a8d6-0000-7000-8000-000000000001",
  toAddress: "ada@example.com",
  sequenceName: "Onboarding\u001b[2J",
  stepNumber: 2,
  stepName: "Tips",
  handedOverAt: new Date("2026-11-22T18:40:02Z"),
  reason: "The worker stopped: it may have been delivered or not.",
  messageId: "<1@acme.example>",
  inDoubtPolicy: "hold",
  hasAdvanced: false,
  enrollmentStatus: "active",
};
const counts = {
  sequenceId: "s1",
  sequenceName: "Onboarding",
  total: 7,
  open: 2,
  settledAsSent: 1,
  answeredLate: 1,
  sentAgain: 3,
};
const report: DoubtReport = { bySequence: [counts, { ...counts, sequenceName: "Renewal", open: 1 }], open: [doubt] };
const text = (given: Partial<DoubtReport>, limit = 50) => describeDoubts({ ...report, ...given }, { limit });
const policyLine = (given: Partial<OpenDoubtRow>) =>
  text({ open: [{ ...doubt, ...given }] })
    .split("\n")
    .find((line) => line.includes("policy"))
    ?.trim();

test("counters say what became of every doubt, in all and for each sequence", () => {
  expect(text({})).toContain("3 emails are in doubt now: each may have arrived or not.");
  expect(text({})).toContain("14 so far: 3 open, 2 settled as sent, 2 answered late, 6 sent again");
  expect(text({})).toContain("    Onboarding: 2 open, 1 settled as sent, 1 answered late, 3 sent again");
  expect(text({})).toContain("    Renewal: 1 open, 1 settled as sent, 1 answered late, 3 sent again");
});

test("each says to whom, which step, since when, why, what to look for, and what comes next; nothing moves the cursor", () => {
  expect(text({})).toContain(
    [
      "  0199a8d6-0000-7000-8000-000000000001",
      "    ada@example.com, Onboarding [2J · 2 Tips, 2026-11-22 18:40:02 UTC",
      "    The worker stopped: it may have been delivered or not.",
      "    Message-ID <1@acme.example>",
      "    policy hold: the enrollment waits for this email",
    ].join("\n"),
  );
  expect(text({})).toContain("dripline settle <id> --resend");
});

test("a list that is cut says how many more there are", () => {
  expect(text({}, 1)).toContain("… 2 more: --limit shows more than 1");
  expect(text({ bySequence: [{ ...counts, open: 1 }] })).not.toContain("--limit");
});

test.each<[string, Partial<OpenDoubtRow>, string]>([
  [
    "went on",
    { inDoubtPolicy: "advance", hasAdvanced: true },
    "policy advance: the sequence went on; the enrollment is active",
  ],
  [
    "is over",
    { hasAdvanced: true, enrollmentStatus: "completed" },
    "policy hold: the sequence went on; the enrollment is completed",
  ],
  [
    "was taken out",
    { enrollmentStatus: "cancelled" },
    "policy hold: the enrollment is cancelled, so it cannot be sent again",
  ],
])("of one whose enrollment %s it says so", (_, given, line) => {
  expect(policyLine(given)).toBe(line);
});

test("an installation without any says so, and one that has settled all of them keeps the counters", () => {
  expect(text({ bySequence: [], open: [] })).toBe("Nothing is in doubt, and nothing ever was.");
  const settled = text({ bySequence: [{ ...counts, open: 0 }], open: [] });
  expect(settled).toMatch(
    /^Nothing is in doubt now\.\n\n {2}7 so far: 0 open, 1 settled as sent, 1 answered late, 3 sent again/,
  );
  expect(settled).not.toContain("dripline settle");
});
