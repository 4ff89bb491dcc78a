import { insertExecution } from "@dripline/db/testing/executions";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { beforeEach, expect, test } from "vitest";
import { lookAtFence } from "../doctor/look-at-fence.ts";
import { type AdoptOptions, adopt } from "./adopt.ts";

const { url, pool: db } = await freshDatabase();
const publicUrl = "https://mail.example.com";
const sequence = await makeSequence(db);
const { id: contactId } = await makeContact(db);
await insertExecution(db, sequence, contactId);
await insertExecution(db, await makeSequence(db), contactId, { scheduledFor: new Date(Date.now() + 3_600_000) });

beforeEach(() => db.query("delete from adoption"));

async function run(options: Partial<AdoptOptions> = {}, env: Record<string, string> = {}): Promise<string> {
  const lines: string[] = [];
  const print = (line: string) => void lines.push(line);
  const defaults = { isSure: true, ask: undefined, holdDue: undefined, revoke: false, print };
  await adopt({ DATABASE_URL: url, ...env }, "/nowhere", { ...defaults, ...options });
  return lines.join("\n");
}

test("it says how much would go out, and to how many, before it asks; a no changes nothing", async () => {
  const questions: string[] = [];
  const ask = async (question: string) => questions.push(question) === 0;
  const said = await run({ isSure: false, ask });
  expect(questions).toEqual(["Adopt this database?"]);
  expect(said).toMatch(/1 is due, to 1 person, the oldest since 20\d\d-/);
  expect(said).toContain("1 more within the next 24 hours");
  expect(said).toMatch(/Nothing was changed\.$/);
  expect((await db.query("select from adoption")).rowCount).toBe(0);
});

test("without anybody to ask and without --yes nothing is changed", async () => {
  await expect(run({ isSure: false })).rejects.toMatchObject({
    name: "UserError",
    message: expect.stringMatching(/--yes/),
  });
  expect((await db.query("select from adoption")).rowCount).toBe(0);
});

test("the address is that of PUBLIC_URL if it is set, and left to the first worker if it is not", async () => {
  expect(await run()).toContain("Adopted");
  expect((await db.query("select public_origin from adoption")).rows).toEqual([{ public_origin: null }]);
  await db.query("delete from adoption");
  await run({}, { PUBLIC_URL: publicUrl });
  expect((await db.query("select public_origin from adoption")).rows).toEqual([{ public_origin: publicUrl }]);
  expect(await run({}, { PUBLIC_URL: publicUrl })).toMatch(
    /^Nothing to do: .* adopted at https:\/\/mail\.example\.com on /,
  );
  expect(await run()).toContain("set PUBLIC_URL for this command as the worker has it");
});

test("a moment that is none is answered with what to write", async () => {
  await expect(run({ holdDue: "yesterday" })).rejects.toMatchObject({
    name: "UserError",
    message: expect.stringMatching(/--hold-due "yesterday"/),
  });
});

test("doctor says of a fenced database what to do, and of an adopted one that all is well", async () => {
  expect(await lookAtFence(url, undefined)).toMatchObject({
    kind: "bad",
    remedy: expect.stringMatching(/dripline adopt/),
  });
  await run({}, { PUBLIC_URL: publicUrl });
  expect(await lookAtFence(url, publicUrl)).toMatchObject({ kind: "good" });
  expect(await lookAtFence(url, "https://staging.example.com")).toMatchObject({
    kind: "bad",
    text: expect.stringMatching(/staging/),
  });
  expect(await lookAtFence("postgres://127.0.0.1:1/none", undefined)).toMatchObject({ kind: "warning" });
});
