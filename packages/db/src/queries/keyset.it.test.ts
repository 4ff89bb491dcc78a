import { freshDatabase } from "@dripline/testkit/database";
import { expect, test } from "vitest";
import type { Queryable } from "../database.ts";
import type { PageRequest } from "./keyset.ts";
import { listCompanies } from "./read-companies.ts";
import { listContacts } from "./read-contacts.ts";
import { listEmailSequences } from "./read-email-sequences.ts";
import { listEmailTemplates } from "./read-email-templates.ts";
import { listSchedules } from "./read-schedules.ts";
import { listSequenceEnrollments } from "./read-sequence-enrollments.ts";
import { listSequenceExecutions } from "./read-sequence-executions.ts";

const { pool } = await freshDatabase();

type List = (db: Queryable, filters: object, request: PageRequest) => Promise<unknown>;

/** The plan of the statement that reads a page, with sorting and whole-table scans made as dear as possible. */
async function planOf(list: List, ordering: string): Promise<string> {
  const client = await pool.connect();
  const seen: { text: string; values: unknown[] }[] = [];
  const spy = {
    query: (statement: { text: string }, values: unknown[]) => {
      seen.push({ text: statement.text, values });
      return client.query(statement, values);
    },
  };
  try {
    const from = { side: "after", position: { value: positionValue(ordering), id: anyId } } as const;
    await list(spy as unknown as Queryable, {}, { ordering, size: 20, from, includeCount: false });
    await client.query("begin");
    await client.query(
      "set local enable_seqscan = off; set local enable_sort = off; set local enable_bitmapscan = off",
    );
    const page = seen.find(({ text }) => text.includes("limit"));
    const { rows } = await client.query(`explain ${page?.text}`, page?.values);
    return rows.map((row) => row["QUERY PLAN"]).join("\n");
  } finally {
    await client.query("rollback");
    client.release();
  }
}

const anyId = "019a0000-0000-7000-8000-000000000001";
const positionValue = (ordering: string) =>
  ordering.endsWith("_at") && !ordering.endsWith("created_at") ? "2026-01-01T00:00:00Z" : anyId;

test.each<[string, List, string, string]>([
  ["enrollments", listSequenceEnrollments, "-enrolled_at", "sequence_enrollment_enrolled_idx"],
  ["enrollments, backwards", listSequenceEnrollments, "enrolled_at", "sequence_enrollment_enrolled_idx"],
  ["executions", listSequenceExecutions, "-created_at", "step_execution_pkey"],
  ["contacts", listContacts, "-created_at", "contact_pkey"],
  ["companies", listCompanies, "-created_at", "company_pkey"],
  ["sequences", listEmailSequences, "-created_at", "email_sequence_pkey"],
  ["templates", listEmailTemplates, "-created_at", "email_template_pkey"],
  ["schedules", listSchedules, "-created_at", "schedule_pkey"],
])("a page of %s is read from an index in its order", async (_, list, ordering, index) => {
  const plan = await planOf(list, ordering);

  expect(plan).toContain(index);
  expect(plan).not.toMatch(/\bSort\b/);
});
