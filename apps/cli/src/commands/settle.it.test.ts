import { openDatabase } from "@dripline/db/database";
import { insertDoubt } from "@dripline/db/testing/doubts";
import { readEvents, readExecution } from "@dripline/db/testing/executions";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { afterAll, beforeEach, describe, expect, test, vi } from "vitest";
import { inDoubt } from "./in-doubt.ts";
import { type SettleOptions, settle } from "./settle.ts";

const { url } = await freshDatabase();
const db = openDatabase({ url, connectionsMax: 1, applicationName: "test", onError: () => {} });
afterAll(() => db.end());
const env = { DATABASE_URL: url };
const now = new Date("2026-03-03T10:00:00Z");

async function printed(command: () => Promise<void>): Promise<string> {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  try {
    await command();
    return log.mock.calls.flat().join("\n");
  } finally {
    log.mockRestore();
  }
}

const list = (json: boolean, limit = 50) => printed(() => inDoubt(env, "/nowhere", { json, limit }));
const settled = (options: Partial<SettleOptions>) =>
  printed(() =>
    settle(env, "/nowhere", {
      ids: [],
      sent: false,
      resend: false,
      all: false,
      note: "",
      now: () => now,
      ...options,
    }),
  );

async function doubt(given: Parameters<typeof insertDoubt>[3] = {}): Promise<string> {
  return (await insertDoubt(db, await makeSequence(db), (await makeContact(db)).id, given)).executionId;
}

beforeEach(() => db.query("update step_execution set status = 'skipped' where status = 'in_doubt'"));

test("what is in doubt is listed for people and for scripts, and nothing of it is touched", async () => {
  const id = await doubt();
  const before = await readExecution(db, id);

  expect(await list(false)).toContain(id);
  expect(JSON.parse(await list(true))).toMatchObject({
    bySequence: expect.arrayContaining([expect.objectContaining({ total: 1, open: 1 })]),
    open: [{ executionId: id, messageId: before.messageId }],
  });
  expect(await readExecution(db, id)).toEqual(before);
});

test("ids that are settled as sent are closed with the note, and the others are told with the reason", async () => {
  const [id, sent] = [await doubt(), await doubt({ values: { status: "sent" } })];

  const text = await settled({ ids: [id, sent], sent: true, note: "The log says 250." });

  expect(text).toBe(`1 email is settled as sent.\n  ${sent} was left alone: it is not in doubt, but sent.`);
  expect(await readExecution(db, id)).toMatchObject({ status: "sent" });
  const [event] = await readEvents(db, id);
  expect(event).toMatchObject({ actor: "dripline settle", message: expect.stringMatching(/The log says 250\.$/) });
});

test("all that are in doubt are sent again at once, and what is not in doubt stays as it is", async () => {
  const [first, second, failed] = [await doubt(), await doubt(), await doubt({ values: { status: "failed" } })];

  expect(await settled({ all: true, resend: true })).toBe(
    "2 emails are sent again now, as soon as limits and windows allow.",
  );

  for (const id of [first, second]) {
    expect(await readExecution(db, id)).toMatchObject({ status: "scheduled", scheduledFor: now });
  }
  expect(await readExecution(db, failed)).toMatchObject({ status: "failed" });
});

describe("nothing is touched, and what to write is said,", () => {
  test.each<[string, Partial<SettleOptions>, RegExp]>([
    ["without ids", { sent: true }, /Say which: ids .* or --all/],
    ["with ids and --all", { ids: ["019a0000-0000-7000-8000-00000000dead"], all: true, sent: true }, /Say which/],
    ["without saying how", { all: true }, /--sent .* or --resend/],
    ["with both ways", { all: true, sent: true, resend: true }, /--sent .* or --resend/],
    ["with something that is no id", { ids: ["x"], sent: true }, /"x" is not the id/],
  ])("%s", async (_, options, message) => {
    const id = await doubt();
    await expect(settled(options)).rejects.toMatchObject({
      name: "UserError",
      message: expect.stringMatching(message),
    });
    expect(await readExecution(db, id)).toMatchObject({ status: "in_doubt" });
  });
});
