import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { waitFor } from "@dripline/testkit/wait-for";
import { expect, test } from "vitest";
import { inTransaction } from "./database.ts";
import { finishExecutions } from "./finish-executions.ts";
import { insertExecution, isSomebodyWaiting } from "./testing/executions.ts";

const { pool: db } = await freshDatabase();

test("a step that is skipped while its contact is unenrolled waits for it instead of deadlocking", async () => {
  const contact = await makeContact(db);
  const sequence = await makeSequence(db);
  const due = await insertExecution(db, sequence, contact.id);
  const { skipping } = await inTransaction(db, async (tx) => {
    await tx.query("update sequence_enrollment set status = 'cancelled' where id = $1", [due.enrollmentId]);
    const skip = {
      executionId: due.executionId,
      generation: 0,
      from: "scheduled",
      to: "skipped",
      at: new Date(),
      email: null,
      event: null,
      versionId: sequence.versionId,
      plan: null,
    } as const;
    const skipping = finishExecutions(db, [skip]);
    await waitFor(() => isSomebodyWaiting(db), { timeoutMilliseconds: 5_000, describe: "the skip to wait" });
    await tx.query("update step_execution set status = 'skipped' where id = $1", [due.executionId]);
    return { skipping };
  });
  expect(await skipping).toEqual([]);
});
