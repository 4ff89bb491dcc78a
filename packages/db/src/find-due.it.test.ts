import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import type { QueryConfig } from "pg";
import { beforeAll, expect, test } from "vitest";
import type { Queryable } from "./database.ts";
import { findOverdue, findUnwoken } from "./find-unwoken.ts";
import { findExpiredLeases } from "./rescue-expired-leases.ts";
import { findDueResumes } from "./resume-enrollments.ts";
import { insertExecution } from "./testing/executions.ts";

const { pool: db } = await freshDatabase();

/** Of each kind that sweeps look for, 20,000 that are not due for a long time, and one that is. */
beforeAll(async () => {
  const contact = await makeContact(db);
  const { executionId, enrollmentId } = await insertExecution(db, await makeSequence(db), contact.id, {
    scheduledFor: new Date(Date.now() - 3_600_000),
  });
  await db.query(
    `insert into step_execution (id, enrollment_id, step_id, step_key, step_number, status, counts_from, due_at, scheduled_for, rescued_at,
                                 phase, lease_until)
     select gen_random_uuid(), e.enrollment_id, e.step_id, gen_random_uuid(), 1, kind, e.counts_from, e.due_at,
            now() + i * interval '20 s', case kind when 'scheduled' then now() - interval '1 day' end,
            case kind when 'sending' then 'claimed' end, case kind when 'sending' then now() + i * interval '20 s' end
     from step_execution e, generate_series(1, 20000) i, unnest(array['scheduled', 'sending']) kind where e.id = $1`,
    [executionId],
  );
  await db.query(
    `with person as (
       insert into contact (id, email) select gen_random_uuid(), 'p' || i || '@example.com' from generate_series(1, 20000) i
       returning id
     )
     insert into sequence_enrollment (id, sequence_id, version_id, contact_id, status, enrolled_at, resume_at)
     select gen_random_uuid(), n.sequence_id, n.version_id, p.id, 'paused', now(), now() + interval '1 day'
     from sequence_enrollment n, person p where n.id = $1`,
    [enrollmentId],
  );
  await db.query("vacuum analyze");
});

const limit = 100;

test.each([
  ["findUnwoken", (on: Queryable) => findUnwoken(on, { graceSeconds: 60, quietSeconds: 600, limit })],
  ["findOverdue", (on: Queryable) => findOverdue(on, { graceSeconds: 60, limit })],
  ["findExpiredLeases", (on: Queryable) => findExpiredLeases(on, limit)],
  ["findDueResumes", (on: Queryable) => findDueResumes(on, limit)],
])("%s reads what is due, and not the many that wait", async (_name, find) => {
  expect(await rowsRead(find)).toBeLessThan(100);
});

/** How many rows of tables and indexes the one statement of `find` goes through. */
async function rowsRead(find: (on: Queryable) => Promise<unknown>): Promise<number> {
  let statement: QueryConfig | undefined;
  const listening = {
    query: async (asked: QueryConfig) => {
      statement = asked;
      return { rows: [], rowCount: 0 };
    },
  } as unknown as Queryable;
  await find(listening);
  const { rows } = await db.query(`explain (analyze, format json) ${statement?.text}`, statement?.values);
  return readBy(rows[0]["QUERY PLAN"][0].Plan);
}

interface Node {
  readonly "Actual Rows": number;
  readonly "Actual Loops": number;
  readonly "Rows Removed by Filter"?: number;
  readonly Plans?: readonly Node[];
}

function readBy(node: Node): number {
  const here = (node["Actual Rows"] + (node["Rows Removed by Filter"] ?? 0)) * node["Actual Loops"];
  return (node.Plans ?? []).map(readBy).reduce((sum, one) => sum + one, here);
}
