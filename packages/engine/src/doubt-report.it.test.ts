import { openDatabase } from "@dripline/db/database";
import { insertDoubt, logDoubt } from "@dripline/db/testing/doubts";
import { insertExecution } from "@dripline/db/testing/executions";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { afterAll, expect, test } from "vitest";
import { doubtReport } from "./doubt-report.ts";

const { url } = await freshDatabase();
const db = openDatabase({ url, connectionsMax: 2, applicationName: "test", onError: () => {} });
afterAll(() => db.end());

const at = (hour: number) => new Date(Date.UTC(2026, 2, 2, hour));

test("every doubt is counted once: open, settled as sent, answered late, or sent again, for each sequence", async () => {
  expect(await doubtReport(db, { limit: 10 })).toEqual({ bySequence: [], open: [] });

  const [one, other] = [await makeSequence(db), await makeSequence(db)];
  const contact = async () => (await makeContact(db)).id;
  await insertDoubt(db, one, await contact(), { values: { status: "sent" } });
  // Sent again, in doubt again, and sent again since: two doubts, and no log of the last copy yet.
  const twice = await insertDoubt(db, one, await contact(), { handedOverAt: at(1) });
  await logDoubt(db, twice.executionId, at(2));
  await db.query("update step_execution set status = 'scheduled' where id = $1", [twice.executionId]);
  const open = await insertDoubt(db, one, await contact(), { handedOverAt: at(3), values: { scheduledFor: at(3) } });
  await insertDoubt(db, other, await contact(), { values: { status: "sent" } });
  // Sent again, in doubt again, and then the second worker came back with its answer.
  const late = await insertDoubt(db, other, await contact());
  await logDoubt(db, late.executionId, at(11));
  await db.query("update step_execution set status = 'sent', email_log_id = null where id = $1", [late.executionId]);
  await db.query(
    `insert into execution_event (id, execution_id, at, kind, reason, message, actor)
     values (gen_random_uuid(), $1, now(), 'sent', 'late_reply', 'Late.', 'worker')`,
    [late.executionId],
  );
  // Sent again, and in doubt again: one of its two doubts is open.
  const again = await insertDoubt(db, other, await contact(), { handedOverAt: at(4), values: { scheduledFor: at(5) } });
  await logDoubt(db, again.executionId, at(5));
  await insertExecution(db, other, await contact(), { status: "sent" });

  const report = await doubtReport(db, { limit: 10 });

  const counts = { sequenceId: one.id, sequenceName: `Sequence ${one.id}` };
  expect(report.bySequence).toEqual([
    {
      sequenceId: other.id,
      sequenceName: `Sequence ${other.id}`,
      total: 5,
      open: 1,
      settledAsSent: 1,
      answeredLate: 1,
      sentAgain: 2,
    },
    { ...counts, total: 4, open: 1, settledAsSent: 1, answeredLate: 0, sentAgain: 2 },
  ]);
  expect(report.open).toMatchObject([
    { executionId: open.executionId, handedOverAt: at(3), hasAdvanced: false },
    { executionId: again.executionId, handedOverAt: at(5), hasAdvanced: false },
  ]);
});

test("the oldest come first, and no more than were asked for", async () => {
  const sequence = await makeSequence(db, { inDoubtPolicy: "resend" });
  const contact = await makeContact(db);
  const oldest = await insertDoubt(db, sequence, contact.id, { values: { scheduledFor: at(0) } });
  await db.query("update contact set email = 'moved@example.com' where id = $1", [contact.id]);

  const { open } = await doubtReport(db, { limit: 1 });

  expect(open).toEqual([
    {
      executionId: oldest.executionId,
      toAddress: contact.email,
      sequenceName: `Sequence ${sequence.id}`,
      stepNumber: 1,
      stepName: "Step 1",
      handedOverAt: at(10),
      reason: "The message was handed over, but no reply came.",
      messageId: `<${oldest.executionId}@example.com>`,
      inDoubtPolicy: "resend",
      hasAdvanced: false,
      enrollmentStatus: "active",
    },
  ]);
});
