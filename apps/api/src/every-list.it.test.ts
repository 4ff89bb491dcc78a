import type { OperationDefinition } from "@dripline/contract/operation";
import { operations } from "@dripline/contract/operations";
import { newId } from "@dripline/db/new-id";
import { freshDatabase } from "@dripline/testkit/database";
import { beforeAll, describe, expect, test } from "vitest";
import { makers } from "./testing/make.ts";
import { startApi } from "./testing/start-api.ts";

const { url } = await freshDatabase();
const api = await startApi(url);
const make = makers(api);

interface Listed {
  /** Of what its path names. */
  readonly id?: string;
  /** Puts one more row into the list. */
  readonly insert: () => Promise<unknown>;
}

/** For each list how a row comes into it; one that is not here fails the test. */
const lists: Record<string, Listed> = {};
let count = 0;

beforeAll(async () => {
  const [sequence, template] = [await make.sequence([0]), await make.template()];
  const enrolled = await make.enroll({ sequence_id: sequence.id, contact_id: (await make.contact()).id });
  const step = (number: number) => ({ step_number: number, name: "Step", email_template: template.id, delay_days: 1 });
  const stepped = await make.sequence([]);
  const insertAs = (statement: string) => () => api.database.query(statement, [newId(), enrolled.id]);
  // Rows like the one there is, since hundreds of real enrollments take a minute. All are due in the same moment.
  const enroll = insertAs(
    `with c as (insert into contact (id, email) values ($1::uuid, $1::text || '@example.com') returning id),
     n as (insert into sequence_enrollment (id, sequence_id, version_id, contact_id, status, enrolled_at)
           select c.id, o.sequence_id, o.version_id, c.id, 'active', now() from sequence_enrollment o, c where o.id = $2
           returning id)
     insert into step_execution (id, enrollment_id, step_id, step_key, step_number, status, counts_from, due_at, scheduled_for)
     select n.id, n.id, x.step_id, x.step_key, 1, 'scheduled', x.counts_from, x.due_at, x.scheduled_for
     from step_execution x, n where x.enrollment_id = $2`,
  );
  Object.assign(lists, {
    listEmailSequences: { insert: () => make.sequence([]) },
    listSequenceVersions: {
      id: sequence.id,
      insert: insertAs(
        `insert into sequence_version (id, sequence_id, version_number, published_at)
         select $1, s.id, (select max(version_number) + 1 from sequence_version where sequence_id = s.id), now()
         from email_sequence s join sequence_enrollment n on n.sequence_id = s.id
         where n.id = $2`,
      ),
    },
    listSequenceSteps: {
      insert: () => api.post("/api/v1/sequence-steps/", { sequence: stepped.id, ...step(++count) }),
    },
    listSequenceEnrollments: { insert: enroll },
    listSequenceExecutions: { insert: enroll },
    listContacts: { insert: () => make.contact() },
    listCompanies: { insert: () => make.company() },
    listEmailTemplates: { insert: () => make.template() },
    listSchedules: { insert: () => make.schedule() },
    listEmailTemplateVersions: {
      id: template.id,
      insert: () =>
        api.database.query(
          `insert into email_template_version (id, template_id, version_number, subject, mjml, html, text)
           select $1, template_id, max(version_number) + 1, '', '', '', '' from email_template_version where template_id = $2
           group by template_id`,
          [newId(), template.id],
        ),
    },
    listImports: { insert: () => api.post("/api/v1/imports/", {}) },
    listSuppressions: { insert: () => make.suppression() },
    listUsers: { insert: () => make.user() },
    listApiKeys: { insert: () => make.apiKey() },
    listEmailLogs: {
      insert: insertAs(
        `insert into email_log (id, execution_id, message_id, from_address, to_address, subject, variables, outcome, sent_at)
         select $1, id, '<m@example.com>', 'us@example.com', 'ann@example.com', 'Hello', '{}', 'accepted', scheduled_for
         from step_execution where enrollment_id = $2`,
      ),
    },
    listAuditEntries: {
      insert: insertAs(
        `insert into audit_log (id, at, principal, action, object_type, object_id)
         values ($1, '2026-11-23T03:00:00Z', 'test', 'enroll', 'sequence-enrollments', $2)`,
      ),
    },
  });
});

const isList = ({ query }: OperationDefinition) => query?.shape.cursor !== undefined;
const rowsBefore = 24;
const pagesMin = 5;
/** Lists grow from one test to the next; walking them in dozens of pages shows no more. */
const pagesMax = 12;

/** Follows `next` or `previous` from this address to the end; `between` runs after each page. */
async function walk(from: string, direction: "next" | "previous", between: () => Promise<void>) {
  const rows: string[] = [];
  let last = from;
  for (let at: string | null = from; at !== null; ) {
    last = at;
    const { status, body } = await api.get(at.replace("http://127.0.0.1:4600", ""));
    expect(status).toBe(200);
    const page: string[] = body.results.map(identity);
    rows.push(...(direction === "next" ? page : page.toReversed()));
    await between();
    at = body[direction];
  }
  return { rows, last };
}

/** Most rows have an id; a version has the number that it has in its sequence. */
function identity(row: { id?: string; sequence?: string; version?: number }): string {
  return row.id ?? `${row.sequence} ${row.version}`;
}

describe.each(operations.filter(isList))("$id", (operation) => {
  const orderings = operation.query?.shape.ordering as unknown as { unwrap(): { options: string[] } };

  test.each(orderings.unwrap().options)(
    "paginates to the end exactly once while 50 rows are being inserted, and back again, in the order %s",
    async (ordering) => {
      const list = lists[operation.id];
      if (list === undefined) throw new Error(`Say in every-list.it.test.ts how a row comes into ${operation.id}.`);
      const path = operation.path.replace("{id}", list.id ?? "");
      const count = async () => (await api.get(`${path}?include_count=true&page_size=1`)).body.count as number;
      while ((await count()) < rowsBefore) await list.insert();
      const size = Math.min(Math.max(Math.ceil((await count()) / pagesMax), Math.floor(rowsBefore / pagesMin)), 100);
      const first = `${path}?${new URLSearchParams({ ordering, page_size: String(size) })}`;
      const { rows: before } = await walk(first, "next", async () => {});

      const arriving = (all: number) => {
        let inserted = 0;
        return {
          inserted: () => inserted,
          arrive: async () => {
            for (let n = 0; n < 10 && inserted < all; n += 1, inserted += 1) await list.insert();
          },
        };
      };
      const forth = arriving(50);
      const forwards = await walk(first, "next", forth.arrive);
      expect(forth.inserted()).toBe(50);
      expectEachOnce(forwards.rows, before);

      const { rows: between } = await walk(first, "next", async () => {});
      expect(between.length).toBe(before.length + 50);
      const back = arriving(20);
      const backwards = await walk(forwards.last, "previous", back.arrive);
      expect(back.inserted()).toBe(20);
      expectEachOnce(backwards.rows, forwards.rows.slice(0, -size));
    },
    120_000,
  );
});

/** No row twice, and each of these once. */
function expectEachOnce(rows: readonly string[], expected: readonly string[]): void {
  expect(rows.length).toBe(new Set(rows).size);
  const seen = new Set(rows);
  expect(expected.filter((row) => !seen.has(row))).toEqual([]);
}
