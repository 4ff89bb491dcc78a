import { freshDatabase } from "@dripline/testkit/database";
import { expect, test } from "vitest";
import { expectProblem, makers, nobody } from "./testing/make.ts";
import { startApi, testNow } from "./testing/start-api.ts";

const { url } = await freshDatabase();
const api = await startApi(url);
const make = makers(api);
const bulk = (body: object, headers?: Record<string, string>) =>
  api.post("/api/v1/sequence-enrollments/bulk/", body, headers);

let count = 0;
const newAddress = () => `bulk${++count}@example.com`;

async function enrollmentsIn(sequenceId: string): Promise<number> {
  const { body } = await api.get(`/api/v1/sequence-enrollments/?sequence=${sequenceId}&include_count=true`);
  return body.count;
}

async function contactsNamed(search: string): Promise<string[]> {
  const { body } = await api.get(`/api/v1/contacts/?search=${encodeURIComponent(search)}`);
  return body.results.map(({ email }: { email: string }) => email);
}

/** One item for each reason to refuse somebody, with the code that enrolling them alone gets. */
async function refusedItems(sequence: { id: string }) {
  const [enrolled, optedOut, suppressed] = [await make.contact(), await make.contact(), newAddress()];
  await make.enroll({ sequence_id: sequence.id, contact_id: enrolled.id });
  await api.database.query("update contact set opted_out_at = now() where id = $1", [optedOut.id]);
  await api.database.query("insert into suppression (id, email, reason) values (gen_random_uuid(), $1, 'manual')", [
    suppressed.toUpperCase(),
  ]);
  return [
    { item: { contact_id: enrolled.id }, code: "already_enrolled" },
    { item: { contact_id: optedOut.id }, code: "contact_opted_out" },
    { item: { contact: { email: suppressed } }, code: "contact_suppressed" },
    { item: { contact_id: nobody }, code: "validation_failed", pointer: "contact_id" },
    {
      item: { contact: { email: newAddress() }, company_id: nobody },
      code: "validation_failed",
      pointer: "company_id",
    },
    { item: { contact: { email: "no address" } }, code: "validation_failed", pointer: "contact/email" },
    { item: { notes: "of whom?" }, code: "validation_failed", pointer: "contact_id" },
    { item: { contact_id: enrolled.id, surely_unknown: 1 }, code: "validation_failed", pointer: "surely_unknown" },
    { item: 7, code: "validation_failed", pointer: "" },
  ];
}

test("everybody in the list is enrolled, known contacts and new ones, each with a first step and an own company", async () => {
  const [sequence, company] = [await make.sequence(), await make.company()];
  const [ann, email] = [await make.contact(), newAddress()];

  const { status, body } = await bulk({
    sequence_id: sequence.id,
    items: [
      { contact_id: ann.id, company_id: company.id, notes: "From the fair" },
      { contact: { email, first_name: "Ben", timezone: "Europe/Berlin" } },
    ],
  });

  expect(body).toMatchObject({ enrolled: 2, refused: 0, dry_run: false });
  expect(status).toBe(200);
  expect(body.results).toMatchObject([
    { index: 0, status: "enrolled", contact_id: ann.id, code: null },
    { index: 1, status: "enrolled", code: null },
  ]);
  const [first, second] = await Promise.all(
    body.results.map(({ enrollment_id: id }: { enrollment_id: string }) =>
      api.get(`/api/v1/sequence-enrollments/${id}/`),
    ),
  );
  expect(first.body).toMatchObject({ contact: ann.id, company: company.id, notes: "From the fair", status: "active" });
  expect(second.body).toMatchObject({ contact_email: email, contact_name: "Ben", enrolled_at: testNow.toISOString() });
  expect(second.body.step_executions).toMatchObject([{ step_number: 1, status: "scheduled" }]);
  const { rows } = await api.database.query("select action from audit_log where action = 'bulkEnroll'");
  expect(rows).toHaveLength(1);
});

test("permissive: whoever can be is enrolled, and everybody else gets the code of enrolling them alone", async () => {
  const sequence = await make.sequence();
  const refused = await refusedItems(sequence);
  const items = [
    { contact: { email: newAddress() } },
    ...refused.map(({ item }) => item),
    { contact: { email: newAddress() } },
  ];

  const { status, body } = await bulk({ sequence_id: sequence.id, mode: "permissive", items });

  expect(status).toBe(200);
  expect(body).toMatchObject({ enrolled: 2, refused: refused.length });
  expect(body.results.map(({ index }: { index: number }) => index)).toEqual(items.map((_, index) => index));
  expect(body.results.map(({ code }: { code: string }) => code)).toEqual([
    null,
    ...refused.map(({ code }) => code),
    null,
  ]);
  for (const [place, { item, code, pointer }] of refused.entries()) {
    const result = body.results[place + 1];
    if (pointer !== undefined) {
      const full = `/items/${place + 1}${pointer === "" ? "" : `/${pointer}`}`;
      expect(result.errors).toMatchObject([{ pointer: full }]);
    }
    if (typeof item !== "object") continue;
    const alone = await api.post("/api/v1/sequence-enrollments/enroll/", { sequence_id: sequence.id, ...item });
    expect(alone.body.code).toBe(code);
  }
  expect(body.results[1].enrollment_id).toMatch(/-/);
  expect(await enrollmentsIn(sequence.id)).toBe(3);
});

test("strict: one refusal and nothing is written, and the answer names every refused item with its code", async () => {
  const sequence = await make.sequence();
  const refused = await refusedItems(sequence);
  const good = newAddress();

  const answer = await bulk({
    sequence_id: sequence.id,
    items: [{ contact: { email: good } }, ...refused.map(({ item }) => item)],
  });

  const { errors } = expectProblem(answer, 422, "items_refused");
  expect(errors.map(({ pointer, code }: { pointer: string; code: string }) => [pointer, code])).toEqual(
    refused.map(({ code }, place) => [`/items/${place + 1}`, code]),
  );
  expect(answer.body.refused).toBe(refused.length);
  expect(await enrollmentsIn(sequence.id)).toBe(1);
  expect(await contactsNamed(good)).toEqual([]);
});

test("whoever stands in the list twice, under whatever name, is enrolled once", async () => {
  const [sequence, known] = [await make.sequence(), await make.contact()];
  const fresh = newAddress();
  const items = [
    { contact_id: known.id },
    { contact: { email: known.email.toUpperCase() } },
    { contact: { email: fresh } },
    { contact: { email: fresh.toUpperCase() } },
    { contact_id: known.id, notes: "again" },
  ];

  const { body } = await bulk({ sequence_id: sequence.id, mode: "permissive", items });

  const codes = body.results.map(({ code }: { code: string | null }) => code);
  expect(codes).toEqual([null, "already_enrolled", null, "already_enrolled", "already_enrolled"]);
  expect(body.results[4].enrollment_id).toBe(body.results[0].enrollment_id);
  expect(body.results[3].contact_id).toBe(body.results[2].contact_id);
  expect(await enrollmentsIn(sequence.id)).toBe(2);
  const strict = expectProblem(await bulk({ sequence_id: (await make.sequence()).id, items }), 422, "items_refused");
  expect(strict.errors).toHaveLength(3);
  expect(strict.errors[0]).not.toHaveProperty("enrollment_id");
});

test("a refused item leaves no contact behind; one that another item enrolls stays", async () => {
  const sequence = await make.sequence();
  const [ghost, kept] = [newAddress(), newAddress()];

  const { body } = await bulk({
    sequence_id: sequence.id,
    mode: "permissive",
    items: [
      { contact: { email: ghost }, company_id: nobody },
      { contact: { email: kept }, company_id: nobody },
      { contact: { email: kept } },
    ],
  });

  expect(body.results.map(({ status }: { status: string }) => status)).toEqual(["refused", "refused", "enrolled"]);
  expect(body.results[0].contact_id).toBeNull();
  expect(await contactsNamed(ghost)).toEqual([]);
  expect(await contactsNamed(kept)).toEqual([kept]);
});

test("within the cool-down the answer says when it is over", async () => {
  const sequence = await make.sequence([0], {
    re_enrollment: "after_end",
    re_enrollment_cooldown: { value: 7, unit: "days" },
  });
  const contact = await make.contact();
  const { id } = await make.enroll({ sequence_id: sequence.id, contact_id: contact.id });
  await api.post(`/api/v1/sequence-enrollments/${id}/unenroll/`, {});

  const { body } = await bulk({ sequence_id: sequence.id, mode: "permissive", items: [{ contact_id: contact.id }] });

  expect(body.results).toMatchObject([
    { code: "re_enrollment_too_soon", enrollment_id: id, available_at: "2026-11-30T03:00:00.000Z" },
  ]);
});

test.each(["strict", "permissive"])("%s: a dry run answers the same and writes nothing", async (mode) => {
  const sequence = await make.sequence();
  const [known, email] = [await make.contact(), newAddress()];
  const items = [{ contact_id: known.id }, { contact: { email } }];

  const { status, body } = await bulk({ sequence_id: sequence.id, mode, dry_run: true, items });

  expect(status).toBe(200);
  expect(body).toMatchObject({ dry_run: true, enrolled: 2, refused: 0 });
  expect(body.results).toMatchObject([
    { status: "enrolled", enrollment_id: null, contact_id: known.id },
    { status: "enrolled", enrollment_id: null, contact_id: null },
  ]);
  expect(await enrollmentsIn(sequence.id)).toBe(0);
  expect(await contactsNamed(email)).toEqual([]);
  const refused = await bulk({
    sequence_id: sequence.id,
    mode,
    dry_run: true,
    items: [...items, { contact_id: nobody }],
  });
  expect(refused.status).toBe(mode === "strict" ? 422 : 200);
});

test.each(["strict", "permissive"])("%s: what is wrong with the sequence is answered once, for all", async (mode) => {
  const [paused, empty] = [await make.sequence([0], { status: "paused" }), await make.sequence([])];
  const items = [{ contact: { email: newAddress() } }, { contact: { email: "none" } }];

  expectProblem(await bulk({ sequence_id: paused.id, mode, items }), 422, "sequence_not_active");
  expectProblem(await bulk({ sequence_id: empty.id, mode, items }), 422, "sequence_without_steps");
  const unknown = expectProblem(await bulk({ sequence_id: nobody, mode, items }), 422, "validation_failed");
  expect(unknown.errors).toMatchObject([{ pointer: "/sequence_id", code: "not_found" }]);
});

test("a list of none or of more than a thousand is refused", async () => {
  const sequence = await make.sequence();
  for (const items of [[], Array(1_001).fill({ contact_id: nobody })]) {
    const problem = expectProblem(await bulk({ sequence_id: sequence.id, items }), 422, "validation_failed");
    expect(problem.errors).toMatchObject([{ pointer: "/items" }]);
  }
});

test("a thousand at once, each with a timer in the queue; the same request again replays its answer", async () => {
  const sequence = await make.sequence();
  const items = Array.from({ length: 1_000 }, () => ({ contact: { email: newAddress() } }));
  const before = await api.queue.counts();

  const first = await bulk({ sequence_id: sequence.id, items }, { "idempotency-key": "thousand" });
  const again = await bulk({ sequence_id: sequence.id, items }, { "idempotency-key": "thousand" });

  expect(first.body).toMatchObject({ enrolled: 1_000, refused: 0 });
  expect(again.headers.get("idempotency-replayed")).toBe("true");
  expect(again.body).toEqual(first.body);
  expect(await enrollmentsIn(sequence.id)).toBe(1_000);
  const sum = (counts: object) => Object.values(counts).reduce((total: number, each) => total + Number(each), 0);
  expect(sum(await api.queue.counts()) - sum(before)).toBe(1_000);
});

test("two requests that race for the same people enroll each of them once, and neither fails", async () => {
  const sequence = await make.sequence();
  const items = Array.from({ length: 200 }, () => ({ contact: { email: newAddress() } }));

  const answers = await Promise.all(
    [items, items.toReversed()].map((list) => bulk({ sequence_id: sequence.id, mode: "permissive", items: list })),
  );

  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  expect(answers.reduce((sum, { body }) => sum + body.enrolled, 0)).toBe(200);
  expect(await enrollmentsIn(sequence.id)).toBe(200);
});

test("a key that may only enroll is let in, one that may only read is not", async () => {
  const sequence = await make.sequence();
  const { createApiKey } = await import("@dripline/db/api-keys");
  const body = { sequence_id: sequence.id, items: [{ contact: { email: newAddress() } }] };
  const keyFor = async (scope: "enroll" | "read") =>
    (await createApiKey(api.database, { name: scope, now: testNow, scopes: [scope] })).key;

  const path = "/api/v1/sequence-enrollments/bulk/";
  expectProblem(await api.send("POST", path, { body, key: await keyFor("read") }), 403, "insufficient_scope");
  expect((await api.send("POST", path, { body, key: await keyFor("enroll") })).status).toBe(200);
});
