import { freshDatabase } from "@dripline/testkit/database";
import { expect, test } from "vitest";
import { readIdempotencyKey } from "./idempotency.ts";
import { expectProblem, makers } from "./testing/make.ts";
import { startApi } from "./testing/start-api.ts";

const { url, pool } = await freshDatabase();
const api = await startApi(url);
const make = makers(api);
const create = (key: string, name: string, path = "/api/v1/companies/") =>
  api.post(path, { name }, { "idempotency-key": key });

async function countOf(name: string): Promise<number> {
  return (await pool.query("select from company where name = $1", [name])).rows.length;
}

test("the same request with the same key has its effect once, and gets the same answer", async () => {
  const first = await create("once", "Once");
  const again = await create("once", "Once");

  expect(again.status).toBe(201);
  expect(again.body).toEqual(first.body);
  expect(first.headers.get("idempotency-replayed")).toBeNull();
  expect(again.headers.get("idempotency-replayed")).toBe("true");
  expect(await countOf("Once")).toBe(1);
});

test("spelling does not make another request: quotes around the key, spaces, order, a slash at the end", async () => {
  const headers = { "idempotency-key": '"spelled"' };
  const first = await api.post("/api/v1/contacts/", '{"email":"spell@example.com","first_name":"S"}', headers);
  const again = await api.post("/api/v1/contacts", '{ "first_name": "S", "email": "spell@example.com" }', {
    "idempotency-key": "spelled",
  });

  expect(first.status).toBe(201);
  expect(again.body).toEqual(first.body);
});

test("a key that was used for another body or another path is refused", async () => {
  await create("reused", "First");

  expectProblem(await create("reused", "Second"), 422, "idempotency_key_reused");
  expectProblem(await create("reused", "First", "/api/v1/contacts/"), 422, "validation_failed");
  const contact = await api.post("/api/v1/contacts/", { email: "k@example.com" }, { "idempotency-key": "reused" });
  expectProblem(contact, 422, "idempotency_key_reused");
});

test("a key belongs to one API key: another caller's is not seen", async () => {
  const other = await startApi(url);
  await create("shared", "Mine");

  const theirs = await other.post("/api/v1/companies/", { name: "Theirs" }, { "idempotency-key": "shared" });

  expect(theirs.status).toBe(201);
  expect(theirs.body.name).toBe("Theirs");
});

test("of parallel requests with one key, one has the effect; the others are replays or told to wait", async () => {
  const answers = await Promise.all(Array.from({ length: 10 }, () => create("parallel", "Parallel")));

  expect(await countOf("Parallel")).toBe(1);
  for (const answer of answers) {
    if (answer.status === 201) continue;
    expectProblem(answer, 409, "idempotency_in_progress");
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
  }
  const ids = answers.filter(({ status }) => status === 201).map(({ body }) => body.id);
  expect(ids.length).toBeGreaterThan(0);
  expect(new Set(ids).size).toBe(1);
});

test("while a request is being worked on, its key is in progress; when it is over, the answer is replayed", async () => {
  // Holds the row that the first request needs, so that it stands still inside its transaction.
  const blocker = await pool.connect();
  await blocker.query("begin");
  await blocker.query("lock table company in exclusive mode");
  const first = create("slow", "Slow");
  await expect
    .poll(
      async () =>
        (
          await pool.query(
            "select from pg_locks where locktype = 'advisory' and granted and database = (select oid from pg_database where datname = current_database())",
          )
        ).rowCount,
    )
    .toBe(1);

  expectProblem(await create("slow", "Slow"), 409, "idempotency_in_progress");

  await blocker.query("rollback");
  blocker.release();
  expect((await first).status).toBe(201);
  expect((await create("slow", "Slow")).headers.get("idempotency-replayed")).toBe("true");
});

test("a refusal had no effect, so its key may be used again for a better request", async () => {
  const refused = await api.post("/api/v1/contacts/", { email: "nope" }, { "idempotency-key": "retry" });
  const better = await api.post("/api/v1/contacts/", { email: "yes@example.com" }, { "idempotency-key": "retry" });

  expect([refused.status, better.status]).toEqual([422, 201]);
});

test("a replayed enrollment wakes nobody twice and writes nothing", async () => {
  const [sequence, contact] = [await make.sequence(), await make.contact()];
  const body = { sequence_id: sequence.id, contact_id: contact.id };
  const first = await api.post("/api/v1/sequence-enrollments/enroll/", body, { "idempotency-key": "enroll" });
  await api.post(`/api/v1/sequence-enrollments/${first.body.id}/unenroll/`, {});

  const again = await api.post("/api/v1/sequence-enrollments/enroll/", body, { "idempotency-key": "enroll" });

  expect(again.body).toEqual(first.body);
  const audit = await pool.query("select from audit_log where action = 'enroll' and object_id = $1", [first.body.id]);
  expect(audit.rowCount).toBe(1);
});

test.each([
  ["too long", "k".repeat(256)],
  ["empty", '""'],
])("a key that is %s is refused", async (_, key) => {
  expectProblem(await create(key, "Never"), 400, "invalid_header");
});

test.each([
  ["plain", "plain"],
  ['"quoted"', "quoted"],
  ['"with \\"quotes\\" and \\\\"', 'with "quotes" and \\'],
  ["k".repeat(255), "k".repeat(255)],
  [undefined, undefined],
])("the header %j is the key %j", (header, key) => {
  expect(readIdempotencyKey(header)).toBe(key);
});
