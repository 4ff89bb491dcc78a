import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { expect, test } from "vitest";
import { loadFacts } from "./load-facts.ts";
import { newId } from "./new-id.ts";
import { insertExecution } from "./testing/executions.ts";

const { pool: db } = await freshDatabase();

/** Puts the enrollment into a second version that has these of its steps; the execution stays with the step of the first. */
async function moved(keys: "all" | "none"): Promise<string> {
  const sequence = await makeSequence(db);
  const { executionId, enrollmentId } = await insertExecution(db, sequence, (await makeContact(db)).id, {
    status: "sent",
  });
  const versionId = newId();
  await db.query(
    "insert into sequence_version (id, sequence_id, version_number, published_at) values ($1, $2, 2, now())",
    [versionId, sequence.id],
  );
  if (keys === "all") {
    await db.query(
      `insert into sequence_step (id, step_key, version_id, step_number, name, template_id, delay_value, delay_unit)
       select gen_random_uuid(), step_key, $1, step_number, name, template_id, delay_value, delay_unit
       from sequence_step where version_id = $2`,
      [versionId, sequence.versionId],
    );
  }
  await db.query("update sequence_enrollment set version_id = $1 where id = $2", [versionId, enrollmentId]);
  return executionId;
}

test.each([
  ["all", false],
  ["none", true],
] as const)(
  "a step counts as deleted if its key is not in the enrollment's version, wherever its row is from (%s)",
  async (keys, isDeleted) => {
    const [facts] = await loadFacts(db, [await moved(keys)]);
    expect(facts?.step.isDeleted).toBe(isDeleted);
  },
);

test("an execution that does not exist has no facts", async () => {
  expect(await loadFacts(db, [newId()])).toEqual([]);
});
