import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence, scheduleUpdatedAt } from "@dripline/testkit/factories";
import { expect, test } from "vitest";
import { markData } from "./mark-data.ts";
import {
  insertExecution,
  leaseSecondsLeft,
  type MadeExecution,
  readExecution,
  statusesOtherThan,
} from "./testing/executions.ts";

const { pool: db } = await freshDatabase();

async function makeClaimed(
  values: Parameters<typeof insertExecution>[3] = {},
  enrollment: Parameters<typeof insertExecution>[4] = {},
): Promise<MadeExecution> {
  const contact = await makeContact(db);
  const sending = { status: "sending", generation: 1, ...values } as const;
  return insertExecution(db, await makeSequence(db), contact.id, sending, enrollment);
}

function claim({ executionId }: MadeExecution, generation = 1) {
  return { executionId, generation, openUntil: new Date(Date.now() + 60_000), scheduleUpdatedAt };
}

/** Marks `refused` between two that are fine: the answer names those two, and `refused` keeps every column. */
async function expectOnlyOthersAreMarked(refused: MadeExecution): Promise<void> {
  const [first, last] = [await makeClaimed(), await makeClaimed()];
  const before = await readExecution(db, refused.executionId);

  const marked = await markData(db, [claim(first), claim(refused), claim(last)], 600);

  expect(marked.toSorted()).toEqual([first.executionId, last.executionId].toSorted());
  expect(await readExecution(db, refused.executionId)).toEqual(before);
}

test("the mark is made in the claim's generation and extends its lease by the database's clock", async () => {
  const claimed = await makeClaimed({ leaseUntil: new Date(Date.now() + 20_000), attemptCount: 1 });

  expect(await markData(db, [claim(claimed)], 600)).toEqual([claimed.executionId]);

  expect(await readExecution(db, claimed.executionId)).toMatchObject({
    status: "sending",
    phase: "data",
    generation: 1,
    attemptCount: 1,
  });
  const left = await leaseSecondsLeft(db, claimed.executionId);
  expect(left).toBeGreaterThan(500);
  expect(left).toBeLessThanOrEqual(600);
});

test("no body byte may leave twice: an execution is marked once", async () => {
  const claimed = await makeClaimed();
  await markData(db, [claim(claimed)], 600);

  expect(await markData(db, [claim(claimed)], 600)).toEqual([]);
});

test("a worker of an older generation is not let through", async () => {
  await expectOnlyOthersAreMarked(await makeClaimed({ generation: 2 }));
});

test("an execution whose body may have left already is not marked", async () => {
  await expectOnlyOthersAreMarked(await makeClaimed({ phase: "data" }));
});

test.each(statusesOtherThan("sending"))("an execution that is %s is not marked", async (status) => {
  await expectOnlyOthersAreMarked(await makeClaimed({ status }));
});

test("a worker that was frozen until its lease had ended is not let through", async () => {
  await expectOnlyOthersAreMarked(await makeClaimed({ leaseUntil: new Date(Date.now() - 1_000) }));
});

test("a contact who opted out after the claim gets no body", async () => {
  const claimed = await makeClaimed();
  await db.query("update contact set opted_out_at = now() where id = $1", [claimed.contactId]);

  await expectOnlyOthersAreMarked(claimed);
});

test.each(["paused", "completed", "unsubscribed", "cancelled"] as const)(
  "an enrollment that is %s since the claim gets no body",
  async (status) => {
    await expectOnlyOthersAreMarked(await makeClaimed({}, { status }));
  },
);

test("an address that was suppressed after the claim gets no body", async () => {
  const claimed = await makeClaimed();
  await db.query(
    `insert into suppression (id, email, reason)
     select gen_random_uuid(), upper(email), 'complaint' from contact where id = $1`,
    [claimed.contactId],
  );

  await expectOnlyOthersAreMarked(claimed);
});

test.each(["paused", "archived"])("a sequence that is %s since the claim lets no body through", async (status) => {
  const claimed = await makeClaimed();
  await db.query(
    "update email_sequence s set status = $2 from sequence_enrollment n where n.id = $1 and s.id = n.sequence_id",
    [claimed.enrollmentId, status],
  );

  await expectOnlyOthersAreMarked(claimed);
});

test("windows that were changed since the claim let no body through", async () => {
  const claimed = await makeClaimed();
  await db.query(
    `update schedule sc set updated_at = now() from email_sequence s, sequence_enrollment n
     where n.id = $1 and s.id = n.sequence_id and sc.id = s.schedule_id`,
    [claimed.enrollmentId],
  );

  await expectOnlyOthersAreMarked(claimed);
});

test("a window that closed while the worker connected lets no body through", async () => {
  const claimed = await makeClaimed();
  expect(await markData(db, [{ ...claim(claimed), openUntil: new Date(Date.now() - 1) }], 600)).toEqual([]);
});

test("an email in doubt that is sent again gets its body out although its enrollment has gone on to its end", async () => {
  const claimed = await makeClaimed({ hasAdvanced: true }, { status: "completed" });
  expect(await markData(db, [claim(claimed)], 600)).toEqual([claimed.executionId]);
});
