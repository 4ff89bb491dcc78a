import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence, scheduleUpdatedAt } from "@dripline/testkit/factories";
import { afterAll, expect, test } from "vitest";
import { claimExecutions } from "./claim-executions.ts";
import { inTransaction, openDatabase, type Queryable } from "./database.ts";
import { finishExecutions } from "./finish-executions.ts";
import { loadFacts } from "./load-facts.ts";
import { markData } from "./mark-data.ts";
import { insertExecution, sourceOf } from "./testing/executions.ts";

const { url, pool } = await freshDatabase();
const worker = openDatabase({
  url,
  connectionsMax: 1, // plans belong to a connection
  applicationName: "worker of a test",
  plansOnce: true,
  onError: () => {},
});
afterAll(() => worker.end());

const sequence = await makeSequence(pool, { steps: [{}, {}] });

/** Everything that one email costs in statements. */
async function send(db: Queryable): Promise<void> {
  const { executionId } = await insertExecution(pool, sequence, (await makeContact(pool)).id);
  const openUntil = new Date(Date.now() + 60_000);
  const [stepId = "", nextStepId = ""] = sequence.stepIds;
  const messageId = `<${executionId}@example.com>`;
  const zone = { zone: "UTC", source: "schedule" } as const;
  const [facts] = await loadFacts(db, [executionId]);
  const source = sourceOf(stepId, { templateVersionId: facts?.template.versionId ?? "" });
  const claim = { executionId, generation: 0, stepId, messageId, source, zone };
  expect(await claimExecutions(db, [{ ...claim, openUntil, scheduleUpdatedAt }], 60)).toHaveLength(1);
  expect(await markData(db, [{ executionId, generation: 1, openUntil, scheduleUpdatedAt }], 60)).toHaveLength(1);
  const at = new Date();
  const next = { stepId: nextStepId, stepKey: nextStepId, stepNumber: 2, timezone: "UTC" };
  const finished = await finishExecutions(db, [
    {
      executionId,
      generation: 1,
      from: "sending",
      to: "sent",
      at,
      email: { response: "250 OK" },
      event: null,
      versionId: sequence.versionId,
      plan: {
        passedOver: [],
        next: {
          ...next,
          timezoneSource: "schedule",
          countsFrom: at,
          dueAt: at,
          scheduledFor: at,
          isHeld: false,
          deferral: null,
        },
      },
    },
  ]);
  expect(finished).toHaveLength(1);
}

test("what an email costs is planned once for all, and reads no more rows when many wait than when nobody does", async () => {
  for (let i = 0; i < 3; i += 1) await send(worker);
  await waiting(2_000);

  const read = await inTransaction(worker, async (tx) => {
    await send(tx);
    // No server collects what a transaction that goes on has read.
    const { rows } = await tx.query<{ rows: string }>(
      `select sum(seq_tup_read + idx_tup_fetch) as rows from pg_stat_xact_user_tables
       where relname in ('step_execution', 'sequence_enrollment', 'contact', 'email_log', 'suppression')`,
    );
    return Number(rows[0]?.rows);
  });

  expect(read).toBeGreaterThan(0);
  expect(read).toBeLessThan(100);
  const { rows: plans } = await worker.query("select custom_plans::int as again from pg_prepared_statements");
  expect(plans.length).toBeGreaterThanOrEqual(4);
  expect(plans.map(({ again }) => again)).toEqual(plans.map(() => 0));
});

/** People who have all come to the first step of the sequence, and are due. */
async function waiting(people: number): Promise<void> {
  await pool.query(
    `with people as (
       insert into contact (id, email) select gen_random_uuid(), 'w' || i || '@example.com' from generate_series(1, $1::int) i
       returning id
     ),
     enrolled as (
       insert into sequence_enrollment (id, sequence_id, version_id, contact_id, status, enrolled_at)
       select gen_random_uuid(), $2, $3, id, 'active', now() from people returning id
     )
     insert into step_execution (id, enrollment_id, step_id, step_key, step_number, counts_from, due_at, scheduled_for, status)
     select gen_random_uuid(), id, $4, $4, 1, now(), now(), now(), 'scheduled' from enrolled`,
    [people, sequence.id, sequence.versionId, sequence.stepIds[0]],
  );
}
