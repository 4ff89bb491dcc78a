import { openDatabase } from "@dripline/db/database";
import { insertExecution, readExecution } from "@dripline/db/testing/executions";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { afterAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type RetryOptions, retry } from "./retry.ts";

const { url } = await freshDatabase();
const db = openDatabase({ url, connectionsMax: 1, applicationName: "test", onError: () => {} });
afterAll(() => db.end());
const env = { DATABASE_URL: url };
const now = new Date("2026-03-03T10:00:00Z");

async function retried(options: Partial<RetryOptions>): Promise<string> {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  try {
    await retry(env, "/nowhere", { ids: [], held: false, failed: false, now: () => now, ...options });
    return log.mock.calls.flat().join("\n");
  } finally {
    log.mockRestore();
  }
}

async function make(status: "failed" | "pending" | "sent"): Promise<string> {
  const held = status === "pending" ? { holdReason: "window_never_opens", heldAt: now } : {};
  const values = { status, ...held };
  return (await insertExecution(db, await makeSequence(db), (await makeContact(db)).id, values)).executionId;
}

beforeEach(() => db.query("update step_execution set status = 'skipped', hold_reason = null, held_at = null"));

test("ids that failed are tried again now, in whatever letter case and however often they are written; others are told why not", async () => {
  const [failed, sent] = [await make("failed"), await make("sent")];

  const text = await retried({ ids: [failed.toUpperCase(), failed, sent] });

  expect(text).toMatch(/^1 execution is tried again now\.\n {2}(\S+) was left alone: .*$/);
  expect(text).toContain(`  ${sent} was left alone`);
  expect(await readExecution(db, failed)).toMatchObject({ status: "scheduled", scheduledFor: now, attemptCount: 0 });
  expect(await readExecution(db, sent)).toMatchObject({ status: "sent" });
});

test.each([
  ["failed", "pending", { failed: true }],
  ["pending", "failed", { held: true }],
] as const)("all that are %s are tried again now, and none that are %s", async (status, other, options) => {
  const [first, second, left] = [await make(status), await make(status), await make(other)];

  expect(await retried(options)).toBe("2 executions are tried again now.");

  for (const id of [first, second]) expect(await readExecution(db, id)).toMatchObject({ status: "scheduled" });
  expect(await readExecution(db, left)).toMatchObject({ status: other });
});

describe("nothing is touched, and what to write is said,", () => {
  test.each<[string, Partial<RetryOptions>, RegExp]>([
    ["without saying which", {}, /Say which: ids .* or --held, or --failed/],
    ["with ids and --failed", { ids: ["019a0000-0000-7000-8000-00000000dead"], failed: true }, /Say which/],
    ["with --held and --failed", { held: true, failed: true }, /Say which/],
    ["with something that is no id", { ids: ["x"] }, /"x" is not the id/],
  ])("%s", async (_, options, message) => {
    const id = await make("failed");
    await expect(retried(options)).rejects.toMatchObject({
      name: "UserError",
      message: expect.stringMatching(message),
    });
    expect(await readExecution(db, id)).toMatchObject({ status: "failed" });
  });
});
