import { createApiKey } from "@dripline/db/api-keys";
import { newId } from "@dripline/db/new-id";
import { insertAuditEntry } from "@dripline/db/queries/insert-audit-entry";
import { freshDatabase } from "@dripline/testkit/database";
import { expect, test } from "vitest";
import { expectProblem, makers, nobody } from "./testing/make.ts";
import { startApi, testNow } from "./testing/start-api.ts";

const { url } = await freshDatabase();
const api = await startApi(url);
const { database: db } = api;
const make = makers(api);

async function found(query: string) {
  const { status, body } = await api.get(`/api/v1/audit-log/?${query}`);
  expect(status).toBe(200);
  return body.results;
}

test("whoever changes something leaves an entry: when, who, what, which one, in which request", async () => {
  const answer = await api.post("/api/v1/companies/", { name: "Audited" }, { "x-request-id": "audited-1" });

  const [entry] = await found(`object_id=${answer.body.id}`);

  expect(entry).toEqual({
    id: expect.any(String),
    at: testNow.toISOString(),
    principal: expect.stringMatching(/^api_key:[0-9a-f-]{36}$/),
    principal_name: "test",
    action: "createCompany",
    object_type: "companies",
    object_id: answer.body.id,
    request_id: "audited-1",
    data: {},
  });
  expect((await api.get(`/api/v1/audit-log/${entry.id}/`)).body).toEqual(entry);
});

test("what was refused, and what only reads, leaves none", async () => {
  const contact = await make.contact();
  const before = (await api.get("/api/v1/audit-log/?include_count=true")).body.count;
  await api.post("/api/v1/contacts/", { email: contact.email });
  await api.get("/api/v1/contacts/");
  expect((await api.get("/api/v1/audit-log/?include_count=true")).body.count).toBe(before);
});

test("an entry of a key that is gone, or of somebody without one, has no name", async () => {
  const ids = [newId(), newId()];
  for (const [principal, objectId] of [`api_key:${newId()}`, "anonymous"].map(
    (each, n) => [each, ids[n] ?? ""] as const,
  )) {
    const entry = {
      at: testNow,
      principal,
      action: "unsubscribe",
      objectType: "unsubscribe",
      objectId,
      requestId: null,
    };
    await insertAuditEntry(db, entry);
    expect(await found(`object_id=${objectId}`)).toMatchObject([{ principal, principal_name: null, request_id: null }]);
  }
});

test("each filter narrows the list", async () => {
  const at = new Date("2026-01-02T03:04:05.000Z");
  const objectId = newId();
  const entry = { at, principal: "dripline retry", action: "retryAll", objectType: "executions", objectId };
  await insertAuditEntry(db, { ...entry, requestId: null, data: { count: 3 } });
  await make.contact();
  for (const query of [
    "principal=dripline%20retry",
    "action=retryAll",
    "object_type=executions",
    `object_id=${objectId}`,
    "at__lt=2026-02-01T00:00:00Z",
    "at__gte=2026-01-02T03:04:05Z&at__lte=2026-01-02T03:04:05Z",
    "at__gt=2026-01-01T00:00:00Z&at__lt=2026-01-03T00:00:00Z",
  ]) {
    expect({ query, results: await found(query) }).toMatchObject({
      query,
      results: [{ object_id: objectId, data: { count: 3 } }],
    });
  }
  expect(await found("principal=dripline")).toEqual([]);
  expect(await found("at__gt=2026-01-02T03:04:05Z&at__lt=2026-01-03T00:00:00Z")).toEqual([]);
});

test("comes newest first, page by page, each entry once, also through entries of one moment", async () => {
  const objectType = "walked";
  for (let n = 0; n < 5; n += 1) {
    const at = new Date(testNow.getTime() + Math.floor(n / 2) * 1_000);
    await insertAuditEntry(db, { at, principal: "p", action: "a", objectType, objectId: String(n), requestId: null });
  }
  const seen: string[] = [];
  let next: string | null = `/api/v1/audit-log/?object_type=${objectType}&page_size=2`;
  while (next !== null) {
    const page: Awaited<ReturnType<typeof api.get>> = await api.get(next.replace("http://127.0.0.1:4600", ""));
    seen.push(...page.body.results.map((each: { object_id: string }) => each.object_id));
    next = page.body.next;
  }
  expect(seen).toEqual(["4", "3", "2", "1", "0"]);
});

test("is for administrators alone, whatever is asked for", async () => {
  const { key } = await createApiKey(db, { name: "writer", now: testNow, scopes: ["write"] });
  for (const path of ["/api/v1/audit-log/", `/api/v1/audit-log/${nobody}/`]) {
    const answer = await api.send("GET", path, { key });
    expect(expectProblem(answer, 403, "insufficient_scope").required_scope).toBe("admin");
  }
});

test("cannot be written or changed, and an entry that does not exist is a 404", async () => {
  expectProblem(await api.get(`/api/v1/audit-log/${nobody}/`), 404, "not_found");
  const [entry] = await found("page_size=1");
  for (const method of ["PUT", "PATCH", "DELETE"]) {
    const answer = await api.send(method, `/api/v1/audit-log/${entry.id}/`, { body: {} });
    expectProblem(answer, 405, "method_not_allowed");
  }
  expectProblem(await api.post("/api/v1/audit-log/", {}), 405, "method_not_allowed");
});

test("an entry says what the record does not tell: the fields of an edit, the name of what is gone, whom a bulk was about", async () => {
  const dataOf = async (objectId: string) =>
    (await found(`object_id=${objectId}`)).map((e: { action: string; data: object }) => [e.action, e.data]);
  const company = await make.company({ name: "Gone soon" });
  await api.send("PATCH", `/api/v1/companies/${company.id}/`, { body: { country: "TH" } });
  await api.send("DELETE", `/api/v1/companies/${company.id}/`);
  expect(await dataOf(company.id)).toEqual([
    ["deleteCompany", { name: "Gone soon" }],
    ["updateCompany", { fields: ["country"] }],
    ["createCompany", {}],
  ]);

  const left = await make.enroll({ sequence_id: (await make.sequence()).id, contact_id: (await make.contact()).id });
  await api.post(`/api/v1/sequence-enrollments/${left.id}/unenroll/`, {});
  await api.send("DELETE", `/api/v1/sequence-enrollments/${left.id}/`);
  const { contact, sequence: from } = left;
  expect((await dataOf(left.id))[0]).toEqual([
    "deleteSequenceEnrollment",
    { contact, sequence: from, status: "cancelled" },
  ]);
  const file = await make.import({ file_name: "fair.csv", status: "cancelled" });
  await api.send("DELETE", `/api/v1/imports/${file.id}/`);
  expect((await dataOf(file.id))[0]).toEqual(["deleteImport", { file_name: "fair.csv" }]);

  const key = await make.apiKey({ name: "Audited key", scopes: ["enroll"] });
  const rotated = await api.post(`/api/v1/api-keys/${key.id}/rotate/`, { overlap_minutes: 5 });
  expect(await dataOf(key.id)).toEqual([["createApiKey", { name: "Audited key", scopes: ["enroll"], user: null }]]);
  expect(await dataOf(rotated.body.id)).toEqual([["rotateApiKey", { replaces: key.id, overlap_minutes: 5 }]]);

  const sequence = await make.sequence();
  const items = [{ contact_id: (await make.contact()).id }];
  await api.post("/api/v1/sequence-enrollments/bulk/", { sequence_id: sequence.id, items });
  expect((await found("action=bulkEnroll"))[0].data).toMatchObject({ sequence: sequence.id, enrolled: 1, refused: 0 });
});
