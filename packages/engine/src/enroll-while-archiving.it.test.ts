import { inTransaction, openDatabase } from "@dripline/db/database";
import { isSomebodyWaiting, readEnrollment } from "@dripline/db/testing/executions";
import { REAL_PACE } from "@dripline/domain/delay";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { waitFor } from "@dripline/testkit/wait-for";
import { afterAll, expect, test } from "vitest";
import { type EnrollResult, enrollContact } from "./enroll.ts";
import { archiveSequence, pauseSequence } from "./sequence-lifecycle.ts";

const { url, pool } = await freshDatabase();
const db = openDatabase({ url, connectionsMax: 5, applicationName: "test", onError: () => {} });
afterAll(() => db.end());
const by = { now: new Date(), actor: "test" };

async function request() {
  const [sequence, contact] = [await makeSequence(pool), await makeContact(pool)];
  return { sequenceId: sequence.id, contactId: contact.id, companyId: null, notes: "" };
}

const somebodyWaits = () =>
  waitFor(() => isSomebodyWaiting(pool), { timeoutMilliseconds: 10_000, describe: "somebody who waits for a lock" });

test.each([
  ["archive", archiveSequence, "cancelled"],
  ["pause", pauseSequence, "active"],
] as const)(
  "whoever is enrolled while somebody wants to %s the sequence is in it when that happens",
  async (_, change, status) => {
    const wanted = await request();
    let changing: Promise<unknown> | undefined;
    const enrolled = await inTransaction(db, async (tx) => {
      const result = await enrollContact(tx, wanted, { now: by.now, pace: REAL_PACE });
      changing = inTransaction(db, (other) => change(other, wanted.sequenceId, by));
      await somebodyWaits();
      return result;
    });
    await changing;

    if (enrolled.kind !== "enrolled") throw new Error(JSON.stringify(enrolled));
    expect(await readEnrollment(pool, enrolled.enrollmentId)).toMatchObject({ status });
    const { rows } = await pool.query("select status from step_execution where enrollment_id = $1", [
      enrolled.enrollmentId,
    ]);
    expect(rows).toEqual([{ status: status === "cancelled" ? "skipped" : "pending" }]);
  },
);

test.each([
  ["archived", archiveSequence],
  ["paused", pauseSequence],
] as const)("an enrollment that comes while the sequence is being %s waits, and is refused", async (_, change) => {
  const wanted = await request();
  let enrolling: Promise<EnrollResult> | undefined;
  await inTransaction(db, async (tx) => {
    await change(tx, wanted.sequenceId, by);
    enrolling = inTransaction(db, (other) => enrollContact(other, wanted, { now: by.now, pace: REAL_PACE }));
    await somebodyWaits();
  });

  expect(await enrolling).toMatchObject({ kind: "refused", code: "sequence_not_active" });
  expect((await pool.query("select from sequence_enrollment where contact_id = $1", [wanted.contactId])).rowCount).toBe(
    0,
  );
});
