import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { beforeEach, expect, test } from "vitest";
import { insertBackoff } from "../testing/backoffs.ts";
import { insertExecution } from "../testing/executions.ts";
import { readInstallationState } from "./read-installation-state.ts";

const { pool: db } = await freshDatabase();

beforeEach(async () => {
  await db.query("truncate sequence_enrollment, delivery_backoff cascade");
});

async function insert(values: Parameters<typeof insertExecution>[3][]): Promise<void> {
  for (const each of values) {
    const sequence = await makeSequence(db, { steps: [{}] });
    await insertExecution(db, sequence, (await makeContact(db, {})).id, each);
  }
}

const secondsAgo = (seconds: number) => new Date(Date.now() - seconds * 1_000);

test("each number counts its own kind: what is due, in doubt, failed, slowed down, and held but not for a pause", async () => {
  await insert([
    { scheduledFor: secondsAgo(120) },
    { scheduledFor: secondsAgo(10) },
    { scheduledFor: secondsAgo(-3_600) }, // an hour to go
    { status: "sending" },
    { status: "sent", sentAt: new Date() },
    { status: "failed" },
    { status: "in_doubt" },
    { status: "in_doubt" },
    { status: "pending", holdReason: "sequence_paused" },
    { status: "pending", holdReason: "enrollment_paused" },
    { status: "pending", holdReason: "contact_opted_out" }, // before both in the alphabet
    { status: "pending", holdReason: "missing_variable" }, // between them
    { status: "pending", holdReason: "window_never_opens" }, // after them
  ]);
  await insertBackoff(db, { scope: "transport" });
  await insertBackoff(db, { scope: "domain:example.com" });

  const { oldestDueSeconds, ...state } = await readInstallationState(db, { countedMax: 100 });

  expect(state).toEqual({ dueBacklog: 2, inDoubtOpen: 2, held: 3, failed: 1, pausedScopes: 2 });
  expect(oldestDueSeconds).toBeGreaterThanOrEqual(120);
  expect(oldestDueSeconds).toBeLessThan(150);
});

test("an installation without anything is all zeros", async () => {
  expect(await readInstallationState(db, { countedMax: 100 })).toEqual({
    dueBacklog: 0,
    oldestDueSeconds: 0,
    inDoubtOpen: 0,
    held: 0,
    failed: 0,
    pausedScopes: 0,
  });
});

test("counting ends at the limit, and the oldest is the oldest all the same", async () => {
  await insert([60, 50, 40, 30].map((seconds) => ({ scheduledFor: secondsAgo(seconds) })));

  const { dueBacklog, oldestDueSeconds } = await readInstallationState(db, { countedMax: 3 });

  expect(dueBacklog).toBe(3);
  expect(oldestDueSeconds).toBeGreaterThanOrEqual(60);
});
