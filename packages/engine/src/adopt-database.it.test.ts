import { insertExecution, readExecution } from "@dripline/db/testing/executions";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { beforeEach, expect, test } from "vitest";
import { adoptDatabase, revokeAdoption } from "./adopt-database.ts";
import { retryByOperator } from "./retry-by-operator.ts";

const { pool: db } = await freshDatabase();
const deps = { db, actor: "an operator" };
const sequence = await makeSequence(db, { steps: [{}] });
const minutesFromNow = (minutes: number) => new Date(Date.now() + minutes * 60_000);
const execution = async (values: Parameters<typeof insertExecution>[3] = {}) =>
  (await insertExecution(db, sequence, (await makeContact(db)).id, values)).executionId;

beforeEach(async () => {
  await db.query("delete from adoption; truncate audit_log; delete from step_execution");
});

test("what was due by a moment is held, the original's claims too; what was due later and what is in doubt is not", async () => {
  const due = await execution();
  const claimed = await execution({ status: "sending", phase: "claimed", attemptCount: 2, generation: 4 });
  const inData = await execution({ status: "sending", phase: "data" });
  const later = await execution({ scheduledFor: minutesFromNow(60) });
  const sent = await execution({ status: "sent" });
  const untouched = await Promise.all([inData, later, sent].map((id) => readExecution(db, id)));

  expect(await adoptDatabase(deps, { publicUrl: undefined, holdDueBy: new Date() })).toEqual({
    kind: "adopted",
    held: 2,
  });

  const held = { status: "pending", holdReason: "maybe_sent_before_restore", leaseUntil: null };
  expect(await readExecution(db, due)).toMatchObject({ ...held, attemptCount: 0, generation: 1 });
  expect(await readExecution(db, claimed)).toMatchObject({ ...held, attemptCount: 1, generation: 5 });
  expect(await Promise.all([inData, later, sent].map((id) => readExecution(db, id)))).toEqual(untouched);
  const { rows } = await db.query("select kind, reason, actor from execution_event where execution_id = $1", [due]);
  expect(rows).toEqual([{ kind: "held", reason: "maybe_sent_before_restore", actor: "an operator" }]);
  const { rows: audit } = await db.query("select action, data from audit_log");
  expect(audit).toMatchObject([{ action: "adopt", data: { was: "never_adopted", held: 2 } }]);

  const queue = { wake: async () => {} };
  const moved = await retryByOperator({ db, queue, now: new Date(), actor: "an operator" }, { status: "pending" });
  expect(moved.toSorted()).toEqual([due, claimed].toSorted());
});

test("more than one batch is held before the fence opens", async () => {
  const id = await execution();
  await db.query(
    `insert into step_execution (id, enrollment_id, step_id, step_key, step_number, status, counts_from, due_at, scheduled_for)
     select gen_random_uuid(), enrollment_id, step_id, gen_random_uuid(), 1, 'scheduled', counts_from, due_at, due_at
     from step_execution, generate_series(1, 5001) where id = $1`,
    [id],
  );
  expect(await adoptDatabase(deps, { publicUrl: undefined, holdDueBy: new Date() })).toMatchObject({ held: 5_002 });
});

test("a database that is adopted is left as it is, also what was to be held: workers may be at it", async () => {
  const due = await execution();
  const publicUrl = "https://mail.example.com";
  await adoptDatabase(deps, { publicUrl, holdDueBy: null });
  const again = await adoptDatabase(deps, { publicUrl, holdDueBy: new Date() });
  expect(again).toMatchObject({ kind: "open_already", fence: { publicOrigin: publicUrl } });
  expect(await readExecution(db, due)).toMatchObject({ status: "scheduled" });
});

test("an adoption is taken back once", async () => {
  await adoptDatabase(deps, { publicUrl: undefined, holdDueBy: null });
  expect(await Promise.all([revokeAdoption(deps), revokeAdoption(deps)])).toEqual(
    expect.arrayContaining([true, false]),
  );
});
