import { openDatabase } from "@dripline/db/database";
import { insertExecution } from "@dripline/db/testing/executions";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { afterAll, expect, test, vi } from "vitest";
import { explain } from "./explain.ts";

const { url } = await freshDatabase();
const db = openDatabase({ url, connectionsMax: 1, applicationName: "test", onError: () => {} });
afterAll(() => db.end());
const env = { DATABASE_URL: url };

async function printed(which: string, json = false): Promise<string> {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  try {
    await explain(env, "/nowhere", { which, json });
    return log.mock.calls.flat().join("\n");
  } finally {
    log.mockRestore();
  }
}

test("each open execution of a contact is explained by address, one by id, and as JSON for scripts", async () => {
  const contact = await makeContact(db);
  const first = await insertExecution(db, await makeSequence(db), contact.id);
  const second = await insertExecution(db, await makeSequence(db, { status: "paused" }), contact.id);

  const text = await printed(contact.email.toUpperCase());
  expect(text).toContain(first.executionId);
  expect(text).toContain(second.executionId);
  expect(text).toMatch(/✗ sequence +The sequence is paused\./);
  expect(await printed(first.enrollmentId)).not.toContain(second.executionId);

  const [explanation] = JSON.parse(await printed(second.executionId, true));
  expect(explanation).toMatchObject({ execution: second.executionId, decision: { reason: "sequence_paused" } });
});

test.each([
  ["x", /neither an id nor an address/],
  ["019a0000-0000-7000-8000-00000000dead", /There is no execution of/],
  ["nobody@example.com", /There is no execution of/],
])("%s is answered with what to do", async (which, message) => {
  await expect(printed(which)).rejects.toMatchObject({ name: "UserError", message: expect.stringMatching(message) });
});
