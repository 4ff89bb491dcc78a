import { createApiKey } from "@dripline/db/api-keys";
import { inTransaction } from "@dripline/db/database";
import { insertSuppressions } from "@dripline/db/queries/insert-suppressions";
import { isSomebodyWaiting } from "@dripline/db/testing/executions";
import { freshDatabase } from "@dripline/testkit/database";
import { waitFor } from "@dripline/testkit/wait-for";
import { describe, expect, test } from "vitest";
import { expectProblem, makers, nobody } from "./testing/make.ts";
import { startApi, testNow } from "./testing/start-api.ts";

const { url } = await freshDatabase();
const api = await startApi(url);
const { database: db } = api;
const make = makers(api);

const base = "/api/v1/suppressions/";
const bulk = (body: object, headers = {}) => api.post(`${base}bulk/`, body, headers);
const patch = (id: string, body: object, headers = {}) => api.send("PATCH", `${base}${id}/`, { body, headers });
const remove = (id: string, headers = {}) => api.send("DELETE", `${base}${id}/`, { headers });

let count = 0;
const address = () => `suppressed${++count}@example.com`;

async function suppress(fields: object = {}) {
  const { status, body } = await api.post(base, { email: address(), ...fields });
  expect(status).toBe(201);
  return body;
}
async function idsOf(query: string): Promise<string[]> {
  const { status, body } = await api.get(`${base}?${query}`);
  expect(status).toBe(200);
  return body.results.map(({ id }: { id: string }) => id);
}

describe("suppressing an address", () => {
  test("makes an entry, by hand unless said otherwise, as it was written", async () => {
    const answer = await api.post(base, { email: "Ann.Lee@Example.com", note: "On the phone" });

    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({
      email: "Ann.Lee@Example.com",
      reason: "manual",
      note: "On the phone",
      revision: 1,
    });
    expect((await api.get(`${base}${answer.body.id}/`)).body).toEqual(answer.body);
    expect((await suppress({ reason: "complaint" })).reason).toBe("complaint");
  });

  test("that is suppressed already, in whatever letter case, is a 409 with the entry, which stays as it is", async () => {
    const first = await suppress({ note: "First" });
    const problem = expectProblem(
      await api.post(base, { email: first.email.toUpperCase(), note: "Second" }),
      409,
      "already_suppressed",
    );
    expect(problem).toMatchObject({ existing_id: first.id, errors: [{ pointer: "/email" }] });
    expect((await api.get(`${base}${first.id}/`)).body).toEqual(first);
  });

  test("by two requests at once: one 201, the others are told which entry that is", async () => {
    const email = address();
    const answers = await Promise.all([1, 2, 3].map(() => api.post(base, { email })));
    const [made] = answers.filter(({ status }) => status === 201);
    const refused = answers.filter(({ status }) => status !== 201);
    expect(refused).toHaveLength(2);
    for (const answer of refused) {
      expect(expectProblem(answer, 409, "already_suppressed").existing_id).toBe(made?.body.id);
    }
  });

  test.each([
    ["no address", {}, "/email"],
    ["what is none", { email: "ann" }, "/email"],
    ["a reason that there is not", { email: "a@example.com", reason: "dislike" }, "/reason"],
    ["a note that is too long", { email: "a@example.com", note: "x".repeat(2_001) }, "/note"],
  ])("with %s is refused", async (_, body, pointer) => {
    const { errors } = expectProblem(await api.post(base, body), 422, "validation_failed");
    expect(errors).toMatchObject([{ pointer }]);
  });

  test("keeps its owner from being enrolled, until it is lifted", async () => {
    const [sequence, contact] = [await make.sequence(), await make.contact()];
    const { id } = await suppress({ email: contact.email.toUpperCase() });
    const enroll = () =>
      api.post("/api/v1/sequence-enrollments/enroll/", { sequence_id: sequence.id, contact_id: contact.id });
    expectProblem(await enroll(), 422, "contact_suppressed");
    expect((await remove(id)).status).toBe(204);
    expect((await enroll()).status).toBe(201);
  });

  test("leaves who is enrolled where they are, and explains what comes of it", async () => {
    const [sequence, contact] = [await make.sequence(), await make.contact()];
    const enrollment = await make.enroll({ sequence_id: sequence.id, contact_id: contact.id });
    await suppress({ email: contact.email });
    const { body } = await api.get(`/api/v1/sequence-enrollments/${enrollment.id}/`);
    expect(body).toMatchObject({ status: "active", step_executions: [{ status: "scheduled" }] });
    const path = `/api/v1/sequence-executions/${enrollment.step_executions[0].id}/explain/`;
    expect((await api.get(path)).body.decision).toMatchObject({ kind: "stop", reason: "address_suppressed" });
  });
});

describe("suppressing many addresses", () => {
  test("answers each in its place: new, or suppressed already, also within the list", async () => {
    const known = await suppress({ note: "Known" });
    const [one, two] = [address(), address()];

    const emails = [two, known.email.toUpperCase(), one, two.toUpperCase()];
    const { status, body } = await bulk({ emails, reason: "complaint", note: "Report" });

    expect(status).toBe(200);
    expect(body).toMatchObject({ created: 2, already_suppressed: 2 });
    expect(body.results.map((each: { email: string }) => each.email)).toEqual(emails);
    expect(body.results.map((each: { status: string }) => each.status)).toEqual([
      "created",
      "already_suppressed",
      "created",
      "already_suppressed",
    ]);
    const [second, existing, first, again] = body.results.map((each: { suppression: string }) => each.suppression);
    expect([existing, again]).toEqual([known.id, second]);
    expect((await api.get(`${base}${first}/`)).body).toMatchObject({ email: one, reason: "complaint", note: "Report" });
    expect((await api.get(`${base}${known.id}/`)).body).toEqual(known);
  });

  test("takes 1,000 and not one more", async () => {
    const emails = Array.from({ length: 1_001 }, () => address());
    const { errors } = expectProblem(await bulk({ emails }), 422, "validation_failed");
    expect(errors).toMatchObject([{ pointer: "/emails" }]);
    expect((await bulk({ emails: emails.slice(1) })).body).toMatchObject({ created: 1_000, already_suppressed: 0 });
  });

  test("writes nothing if one of them is no address, and names its place", async () => {
    const good = address();
    const { errors } = expectProblem(await bulk({ emails: [good, "ann@", good] }), 422, "validation_failed");
    expect(errors).toMatchObject([{ pointer: "/emails/1" }]);
    expect(await idsOf(`email=${good}`)).toEqual([]);
    expectProblem(await bulk({ emails: [] }), 422, "validation_failed");
  });

  test("by two requests at once, each in another order, makes each entry once, and neither fails", async () => {
    const [a, z] = [`a-${address()}`, `z-${address()}`];
    const by = { reason: "manual", note: "" } as const;
    const { asked } = await inTransaction(db, async (tx) => {
      await insertSuppressions(tx, [a], by);
      const asked = bulk({ emails: [z, a] });
      await waitFor(() => isSomebodyWaiting(db), { timeoutMilliseconds: 10_000, describe: "the other to wait" });
      await insertSuppressions(tx, [z], by);
      return { asked };
    });
    const { status, body } = await asked;
    expect(status).toBe(200);
    expect(body).toMatchObject({ created: 0, already_suppressed: 2 });
    expect([...(await idsOf(`email=${z}`)), ...(await idsOf(`email=${a}`))]).toEqual(
      body.results.map((each: { suppression: string }) => each.suppression),
    );
  });

  test("says in the audit log how many and which", async () => {
    const { body } = await bulk({ emails: [address()] }, { "x-request-id": "bulk-suppression" });
    const { rows } = await db.query("select object_id, data from audit_log where request_id = 'bulk-suppression'");
    const suppressions = [body.results[0].suppression];
    expect(rows).toEqual([{ object_id: "", data: { created: 1, reason: "manual", suppressions } }]);
  });
});

describe("the list", () => {
  test("is narrowed by each filter", async () => {
    const one = await suppress({ email: "Filter.Me@example.com", reason: "hard_bounce", note: "550 5.1.1 Gone away" });
    const at = "2025-05-05T05:05:05.000Z";
    await db.query("update suppression set created_at = $1 where id = $2", [at, one.id]);
    await suppress();
    for (const query of [
      "reason=hard_bounce",
      "email=filter.me@EXAMPLE.com",
      "search=filter",
      "search=gone%20away",
      `created_at__gte=${at}&created_at__lte=${at}`,
      "created_at__lt=2025-06-01T00:00:00Z&created_at__gt=2025-05-01T00:00:00Z",
    ]) {
      expect({ query, ids: await idsOf(query) }).toEqual({ query, ids: [one.id] });
    }
    for (const query of ["email=filter", `created_at__gt=${at}&created_at__lte=${at}`]) {
      expect({ query, ids: await idsOf(query) }).toEqual({ query, ids: [] });
    }
  });

  test("goes to its end once, also through entries of one moment, and back", async () => {
    const { body } = await bulk({ emails: Array.from({ length: 5 }, () => address()), note: "Walked" });
    const made = body.results.map((each: { suppression: string }) => each.suppression);
    const seen: string[] = [];
    let next: string | null = `${base}?search=walked&page_size=2&include_count=true&ordering=created_at`;
    while (next !== null) {
      const page: Awaited<ReturnType<typeof api.get>> = await api.get(next.replace("http://127.0.0.1:4600", ""));
      expect(page.body.count).toBe(5);
      seen.push(...page.body.results.map(({ id }: { id: string }) => id));
      next = page.body.next;
    }
    expect(seen.toSorted()).toEqual(made.toSorted());
  });
});

describe("changing the note", () => {
  test("changes it alone, and raises the revision", async () => {
    const before = await suppress({ reason: "complaint", note: "First" });
    const answer = await patch(before.id, { note: "Second" });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ ...before, note: "Second", revision: 2 });
    expect(answer.headers.get("etag")).toBe('"2"');
  });

  test("that somebody changed since it was read is refused; with its own ETag it is taken", async () => {
    const { id } = await suppress();
    await patch(id, { note: "Somebody else" });
    const answer = await patch(id, { note: "Mine" }, { "if-match": '"1"' });
    expect(expectProblem(answer, 412, "precondition_failed").revision).toBe(2);
    expect((await api.get(`${base}${id}/`)).body.note).toBe("Somebody else");
    expect((await patch(id, { note: "Mine" }, { "if-match": '"2"' })).body.note).toBe("Mine");
  });

  test("needs a note, takes nothing else, and something to change", async () => {
    const { id } = await suppress();
    expectProblem(await patch(id, {}), 422, "validation_failed");
    const answer = await patch(id, { note: "", email: "other@example.com" });
    expect(expectProblem(answer, 422, "validation_failed").errors).toMatchObject([{ pointer: "/email" }]);
    expectProblem(await patch(nobody, { note: "" }), 404, "not_found");
    expectProblem(await patch(id, { note: "" }, { "if-match": "2" }), 400, "invalid_header");
  });
});

describe("lifting a suppression", () => {
  test("leaves nothing but an entry in the audit log that says what was lifted and by whom", async () => {
    const { id, email } = await suppress({ reason: "complaint", note: "Report of March" });

    const answer = await remove(id);

    expect(answer.status).toBe(204);
    expect(answer.body).toBe("");
    expectProblem(await api.get(`${base}${id}/`), 404, "not_found");
    const { body } = await api.get(`/api/v1/audit-log/?object_id=${id}&action=deleteSuppression`);
    expect(body.results).toMatchObject([
      { principal_name: "test", data: { email, reason: "complaint", note: "Report of March" } },
    ]);
  });

  test("that somebody changed since it was read is refused", async () => {
    const { id } = await suppress();
    await patch(id, { note: "A complaint, keep it" });
    expectProblem(await remove(id, { "if-match": '"1"' }), 412, "precondition_failed");
    expect((await api.get(`${base}${id}/`)).status).toBe(200);
    expect((await remove(id, { "if-match": '"2"' })).status).toBe(204);
  });

  test("that somebody else lifts in the same moment is a 404, and so is one that never was", async () => {
    const { id } = await suppress();
    const { asked } = await inTransaction(db, async (tx) => {
      await tx.query("delete from suppression where id = $1", [id]);
      const asked = remove(id);
      await waitFor(() => isSomebodyWaiting(db), { timeoutMilliseconds: 10_000, describe: "the other to wait" });
      return { asked };
    });
    expectProblem(await asked, 404, "not_found");
    expectProblem(await remove(nobody), 404, "not_found");
  });
});

test("a key that only reads sees suppressions and changes none", async () => {
  const { key } = await createApiKey(db, { name: "reader", now: testNow, scopes: ["read"] });
  const { id } = await suppress();
  expect((await api.send("GET", `${base}${id}/`, { key })).status).toBe(200);
  const requests = [
    api.send("POST", base, { key, body: { email: address() } }),
    api.send("POST", `${base}bulk/`, { key, body: { emails: [address()] } }),
    api.send("PATCH", `${base}${id}/`, { key, body: { note: "" } }),
    api.send("DELETE", `${base}${nobody}/`, { key }),
  ];
  for (const answer of await Promise.all(requests)) expectProblem(answer, 403, "insufficient_scope");
});

test("the note of a suppression is replaced by PUT, and its address is not", async () => {
  const { id } = await suppress({ note: "Before" });
  const put = (body: object, headers = {}) => api.send("PUT", `${base}${id}/`, { body, headers });

  expect((await put({}, { "if-match": '"1"' })).body).toMatchObject({ id, note: "", revision: 2 });
  expectProblem(await put({ note: "Late" }, { "if-match": '"1"' }), 412, "precondition_failed");
  expectProblem(await put({ email: "other@example.com" }), 422, "validation_failed");
});
