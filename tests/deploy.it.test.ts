import { readFile } from "node:fs/promises";
import { insertExecution } from "@dripline/db/testing/executions";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { expect, test } from "vitest";

const { pool: db } = await freshDatabase();
const manifest = await readFile(
  new URL("../deploy/kubernetes/components/keda-postgresql/scaled-object.yaml", import.meta.url),
  "utf8",
);
const [backlog = "", oldestAge = ""] = [...manifest.matchAll(/query: >-\n((?: {10}.+\n)+)/g)].map(([, text = ""]) =>
  text.trim().replaceAll(/\n +/g, " "),
);

async function answerTo(text: string): Promise<unknown> {
  return (await db.query({ text, rowMode: "array" })).rows;
}

test("KEDA scales by what is due, and by nothing that waits for later, is held, or is over", async () => {
  expect(await answerTo(backlog)).toEqual([["0"]]);
  expect(await answerTo(oldestAge)).toEqual([["0"]]);

  const sequence = await makeSequence(db);
  const longAgo = new Date(Date.now() - 3_600_000);
  const make = async (values: Parameters<typeof insertExecution>[3]) =>
    insertExecution(db, sequence, (await makeContact(db)).id, values);
  await make({ scheduledFor: new Date(Date.now() + 3_600_000) });
  await make({ scheduledFor: longAgo, status: "pending", holdReason: "enrollment_paused" });
  await make({ scheduledFor: longAgo, status: "sent" });
  await make({ scheduledFor: new Date(Date.now() - 300_000) });
  await make({ scheduledFor: new Date(Date.now() - 600_000) });

  expect(await answerTo(backlog)).toEqual([["2"]]);
  const [[age]] = (await answerTo(oldestAge)) as [[string]];
  expect(Number(age)).toBeGreaterThanOrEqual(600);
  expect(Number(age)).toBeLessThan(660);
});
