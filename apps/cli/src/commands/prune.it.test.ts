import { newId } from "@dripline/db/new-id";
import { freshDatabase } from "@dripline/testkit/database";
import { beforeEach, expect, test } from "vitest";
import { type PruneOptions, pruneHistory } from "./prune.ts";

const { url, pool: db } = await freshDatabase();
const entries = async () => (await db.query("select from audit_log")).rowCount;

beforeEach(async () => {
  await db.query("truncate audit_log");
  for (const days of [100, 200]) {
    await db.query(
      `insert into audit_log (id, at, principal, action, object_type, object_id)
       values ($1, now() - make_interval(days => $2), 'x', 'x', 'x', 'x')`,
      [newId(), days],
    );
  }
});

async function run(options: Partial<PruneOptions> = {}): Promise<string> {
  const lines: string[] = [];
  const print = (line: string) => void lines.push(line);
  const defaults = { olderThan: "180d", isDryRun: false, json: false, isSure: false, ask: undefined, print };
  await pruneHistory({ DATABASE_URL: url }, "/nowhere", { ...defaults, ...options });
  return lines.join("\n");
}

test("it says what would go, and asks; a no deletes nothing", async () => {
  expect(await run({ ask: async () => false })).toMatch(/1 entries of the audit log\n.*\nNothing was deleted\.$/);
  expect(await entries()).toBe(2);
});

test("without anybody to ask and without --yes nothing is deleted, and a dry run never asks", async () => {
  await expect(run()).rejects.toMatchObject({ name: "UserError", message: expect.stringMatching(/--yes/) });
  expect(JSON.parse(await run({ isDryRun: true, json: true }))).toMatchObject({ isDryRun: true, auditEntries: 1 });
  expect(await entries()).toBe(2);
});

test("with --yes what was over so long ago goes, and nothing else", async () => {
  expect(await run({ isSure: true })).toMatch(/^Deleted, of what was over before 20/);
  expect(await entries()).toBe(1);
});

test.each(["180", "0d", "6 months", "-1d"])("%s is answered with what to write", async (olderThan) => {
  await expect(run({ olderThan, isSure: true })).rejects.toMatchObject({
    name: "UserError",
    message: expect.stringMatching(/180d/),
  });
  expect(await entries()).toBe(2);
});
