import type { DueReport } from "@dripline/engine/due-report";
import { expect, test } from "vitest";
import { describeDue } from "./describe-due.ts";

const report: DueReport = {
  fence: { kind: "open", adoptedAt: new Date("2026-11-01T00:00:00Z"), publicOrigin: null },
  byStatus: { scheduled: 2, sent: 7 },
  dueNow: 1,
  oldestDueSeconds: 7_200,
  backoffs: [],
  pending: [
    {
      executionId: "0199a8d6-0000-7000-8000-000000000001",
      status: "scheduled",
      scheduledFor: new Date("2026-11-22T18:40:02Z"),
      isDue: true,
      sequenceName: "Onboarding\u001b[2J",
      stepNumber: 2,
      stepName: "Tips",
      contactEmail: "ada@example.com",
      reason: null,
    },
  ],
};

test("what is due is told in numbers, and as a list only when asked for", () => {
  const totals = describeDue(report, { dryRun: false, limit: 50 });
  expect(totals).toContain("1 due now, the oldest for 2 h.");
  expect(totals).toMatch(/scheduled +2\n +sent +7/);
  expect(totals).not.toContain("ada@example.com");
});

test("pending work says who, which step, and when, and that nothing was sent", () => {
  const list = describeDue(report, { dryRun: true, limit: 1 });
  expect(list).toContain("2026-11-22 18:40:02 UTC  due  ada@example.com  Onboarding [2J · 2 Tips");
  expect(list).toContain("nothing was sent");
  expect(list).toContain("perhaps more");
});

test("an empty installation says so", () => {
  const empty = { ...report, byStatus: {}, dueNow: 0, oldestDueSeconds: 0, pending: [] };
  const text = describeDue(empty, { dryRun: true, limit: 50 });
  expect(text).toContain("Nothing is due now.");
  expect(text).toContain("No pending work.");
});

test("a fenced installation says so first, with the command that opens it", () => {
  const fence = {
    kind: "closed",
    reason: "copied",
    message: "This database is a copy. Nothing is sent from here.",
  } as const;
  const [first] = describeDue({ ...report, fence }, { dryRun: false, limit: 50 }).split("\n");
  expect(first).toMatch(/^This database is a copy\. Nothing is sent from here\. .*dripline adopt$/);
});

test("emails in doubt are pointed out, with the command that lists them, and only if there are any", () => {
  const withDoubts = describeDue({ ...report, byStatus: { in_doubt: 1 } }, { dryRun: false, limit: 50 });
  expect(withDoubts).toContain("dripline in-doubt");
  expect(describeDue(report, { dryRun: false, limit: 50 })).not.toContain("dripline in-doubt");
});

test("where emails leave one at a time is told in a line, with what the server said and the next try", () => {
  const backoff = {
    scope: "transport",
    reason: "transport_unusable",
    message: "The mail server cannot be used (authentication): 535 5.7.8 no",
    since: new Date("2026-11-22T18:00:00Z"),
    nextAt: new Date("2026-11-22T18:41:00Z"),
    intervalSeconds: 60,
  } as const;
  const backoffs = [backoff, { ...backoff, scope: "domain:example.com", message: "421 slower" }];
  const text = describeDue({ ...report, backoffs }, { dryRun: false, limit: 50 });
  expect(text).toContain("Sending stands still, the next try is at 2026-11-22 18:41:00 UTC: The mail server cannot be");
  expect(text).toContain("Emails to example.com leave one at a time, the next try is at 2026-11-22 18:41:00 UTC: 421");
});
