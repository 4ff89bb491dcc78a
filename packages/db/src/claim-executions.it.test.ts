import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence, scheduleUpdatedAt } from "@dripline/testkit/factories";
import { expect, test } from "vitest";
import { type ClaimRequest, claimExecutions } from "./claim-executions.ts";
import { inTransaction } from "./database.ts";
import { newId } from "./new-id.ts";
import {
  insertExecution,
  leaseSecondsLeft,
  type MadeExecution,
  readExecution,
  sourceOf,
  statusesOtherThan,
} from "./testing/executions.ts";

const { pool: db } = await freshDatabase();

async function makeDue(
  values: Parameters<typeof insertExecution>[3] = {},
  enrollment: Parameters<typeof insertExecution>[4] = {},
): Promise<MadeExecution> {
  const contact = await makeContact(db);
  return insertExecution(db, await makeSequence(db), contact.id, values, enrollment);
}

const zone = { zone: "Asia/Bangkok", source: "schedule" } as const;

function wake({ executionId, sequence }: MadeExecution, values: Partial<ClaimRequest> = {}): ClaimRequest {
  const [stepId = ""] = sequence.stepIds;
  return {
    executionId,
    generation: 0,
    stepId,
    messageId: `<${executionId}@example.com>`,
    source: sourceOf(stepId),
    openUntil: new Date(Date.now() + 60_000),
    scheduleUpdatedAt,
    zone,
    ...values,
  };
}

/** Wakes `refused` between two that are fine: the answer names those two, and `refused` keeps every column. */
async function expectOnlyOthersAreClaimed(refused: MadeExecution, values: Partial<ClaimRequest> = {}): Promise<void> {
  const [first, last] = [await makeDue(), await makeDue()];
  const before = await readExecution(db, refused.executionId);

  const claims = await claimExecutions(db, [wake(first), wake(refused, values), wake(last)], 60);

  expect(claims.map((claim) => claim.executionId).toSorted()).toEqual([first.executionId, last.executionId].toSorted());
  expect(await readExecution(db, refused.executionId)).toEqual(before);
}

test("a claim opens a generation, counts an attempt, and sets phase, Message-ID and a lease by the database's clock", async () => {
  const due = await makeDue({ generation: 4, attemptCount: 1 });

  const claims = await claimExecutions(db, [wake(due, { generation: 4 })], 60);

  const row = await readExecution(db, due.executionId);
  expect(claims).toEqual([
    { executionId: due.executionId, generation: 5, attemptCount: 2, leaseUntil: expect.any(Date) },
  ]);
  expect(row).toMatchObject({
    status: "sending",
    phase: "claimed",
    generation: 5,
    attemptCount: 2,
    messageId: wake(due).messageId,
  });
  expect(claims[0]?.leaseUntil).toEqual(row.leaseUntil);
  const left = await leaseSecondsLeft(db, due.executionId);
  expect(left).toBeGreaterThan(30);
  expect(left).toBeLessThanOrEqual(60);
});

test("each claimed execution gets the Message-ID of its own wake-up", async () => {
  const due = [await makeDue(), await makeDue()];

  await claimExecutions(
    db,
    due.map((one) => wake(one)),
    60,
  );

  for (const one of due) expect((await readExecution(db, one.executionId)).messageId).toBe(wake(one).messageId);
});

test("of two claims of one execution, one wins", async () => {
  const due = await makeDue();

  const claims = await Promise.all([claimExecutions(db, [wake(due)], 60), claimExecutions(db, [wake(due)], 60)]);

  expect(claims.flat()).toHaveLength(1);
});

test.each(statusesOtherThan("scheduled"))("an execution that is %s is not claimed", async (status) => {
  await expectOnlyOthersAreClaimed(await makeDue({ status }));
});

test("a wake-up of an older generation claims nothing", async () => {
  await expectOnlyOthersAreClaimed(await makeDue({ generation: 1 }));
});

test("a message that was made from another step than the one that waits now claims nothing", async () => {
  const due = await makeDue();
  await expectOnlyOthersAreClaimed(due, { stepId: due.sequence.stepIds[1] ?? "" });
});

test("each claimed execution keeps in which zone its window was open, and whose zone that was", async () => {
  const zones = [
    { zone: "America/New_York", source: "contact" },
    { zone: "Europe/Berlin", source: "company" },
    { zone: "Asia/Bangkok", source: "schedule" },
  ] as const;
  const due = [await makeDue({ timezone: "UTC", timezoneSource: "schedule" }), await makeDue(), await makeDue()];

  await claimExecutions(
    db,
    due.map((one, index) => wake(one, { zone: zones[index] ?? zone })),
    60,
  );

  const rows = await Promise.all(due.map((one) => readExecution(db, one.executionId)));
  expect(rows.map((row) => ({ zone: row.timezone, source: row.timezoneSource }))).toEqual(zones);
});

test("an execution that is not yet due by the database's clock is not claimed", async () => {
  await expectOnlyOthersAreClaimed(await makeDue({ scheduledFor: new Date(Date.now() + 60_000) }));
});

test.each(["paused", "completed", "unsubscribed", "cancelled"] as const)(
  "an execution of an enrollment that is %s is not claimed",
  async (status) => {
    await expectOnlyOthersAreClaimed(await makeDue({}, { status }));
  },
);

test.each(["paused", "archived"] as const)("an execution of a sequence that is %s is not claimed", async (status) => {
  const contact = await makeContact(db);
  await expectOnlyOthersAreClaimed(await insertExecution(db, await makeSequence(db, { status }), contact.id));
});

test("an execution for a contact who opted out is not claimed", async () => {
  const contact = await makeContact(db, { optedOutAt: new Date() });
  await expectOnlyOthersAreClaimed(await insertExecution(db, await makeSequence(db), contact.id));
});

test.each([
  ["Ann.Suppressed@example.com", "ann.suppressed@EXAMPLE.com"],
  ["bob.suppressed@example.com", "bob.suppressed@example.com"],
  ["carl.suppressed@example.com", "Carl.Suppressed@Example.com"],
])("an execution for %s is not claimed while %s is suppressed", async (email, suppressed) => {
  const contact = await makeContact(db, { email });
  await db.query("insert into suppression (id, email, reason) values ($1, $2, 'manual')", [newId(), suppressed]);
  await expectOnlyOthersAreClaimed(await insertExecution(db, await makeSequence(db), contact.id));
});

test("a window that has closed since it was looked at lets nothing through", async () => {
  await expectOnlyOthersAreClaimed(await makeDue(), { openUntil: new Date(Date.now() - 1) });
});

test("a schedule that was changed since it was looked at lets nothing through", async () => {
  const due = await makeDue();
  await db.query(
    "update schedule sc set updated_at = now() from email_sequence s where s.id = $1 and sc.id = s.schedule_id",
    [due.sequence.id],
  );
  await expectOnlyOthersAreClaimed(due);
});

test("an email in doubt that is sent again is claimed although its enrollment has gone on to its end", async () => {
  const due = await makeDue({ hasAdvanced: true }, { status: "completed" });
  expect(await claimExecutions(db, [wake(due)], 60)).toHaveLength(1);
  await expectOnlyOthersAreClaimed(await makeDue({ hasAdvanced: true }, { status: "cancelled" }));
});

test("a row that somebody holds keeps none of the others waiting, and is not waited for", async () => {
  const held = await makeDue();
  await inTransaction(db, async (tx) => {
    await tx.query("select from step_execution where id = $1 for update", [held.executionId]);
    await expectOnlyOthersAreClaimed(held);
  });
  expect(await claimExecutions(db, [wake(held)], 60)).toHaveLength(1);
});

test("a row to which somebody is adding an event is claimed all the same", async () => {
  const due = await makeDue();
  await inTransaction(db, async (tx) => {
    await tx.query(
      `insert into execution_event (id, execution_id, at, kind, reason, message, actor)
       values (gen_random_uuid(), $1, now(), 'deferred', 'test', 'A sentence.', 'test')`,
      [due.executionId],
    );
    expect(await claimExecutions(db, [wake(due)], 60)).toHaveLength(1);
  });
});

test("what the message is made from is kept with the claim, letter for letter", async () => {
  const due = await makeDue();
  const source = sourceOf(due.sequence.stepIds[0] ?? "", {
    variables: { zebra: 1, a: { mm: 2, b: "\u0001" }, unsubscribe_url: "https://example.com/u/2" },
  });
  await claimExecutions(db, [wake(due, { source })], 60);
  expect(JSON.stringify((await readExecution(db, due.executionId)).messageSource)).toBe(JSON.stringify(source));
});
