import { openDatabase } from "@dripline/db/database";
import { freshDatabase } from "@dripline/testkit/database";
import { expect, test } from "vitest";
import { expectProblem, nobody } from "./testing/make.ts";
import { startApi } from "./testing/start-api.ts";

const { url, pool } = await freshDatabase();
const api = await startApi(url);
const step = { sequence: nobody, step_number: 1, name: "Welcome", email_template: nobody };
const post = (body: string, headers = {}) => api.send("POST", "/api/v1/contacts/", { body, headers });

test.each([
  ["a body that is cut off", '{"email":'],
  ["an empty body", ""],
  ["a body that means to change prototypes", '{"__proto__":{"isAdmin":true},"email":"a@example.com"}'],
])("%s is malformed JSON", async (_, body) => {
  expectProblem(await post(body), 400, "malformed_json");
});

test.each(["text/plain", "application/x-www-form-urlencoded", "text/xml", "nonsense"])(
  "a body of the type %s is refused",
  async (type) => {
    expectProblem(await post("email=a@example.com", { "content-type": type }), 415, "unsupported_media_type");
  },
);

test("a body in another encoding is refused, not stored with its letters lost", async () => {
  const body = Buffer.from('{"email":"muller@example.com","first_name":"M\xfcller"}', "latin1");
  const answer = await fetch(`${api.url}/api/v1/contacts/`, {
    method: "POST",
    headers: { authorization: `Bearer ${api.key}`, "content-type": "application/json; charset=iso-8859-1" },
    body,
  });

  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ code: "malformed_json", detail: expect.stringContaining("UTF-8") });
  expect((await api.get("/api/v1/contacts/?email=muller@example.com")).body.results).toEqual([]);
});

test("headers that are too long to be read are refused with a problem, too", async () => {
  const answer = await fetch(`${api.url}/api/v1/me/`, { headers: { "x-much": "x".repeat(20_000) } });

  expect(answer.status).toBe(431);
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect(await answer.json()).toMatchObject({ code: "headers_too_large", status: 431 });
});

test("where nothing is to be sent, an empty body may be called JSON", async () => {
  const { id } = (await api.post("/api/v1/companies/", { name: "Empty bodied" })).body;

  const answer = await api.send("DELETE", `/api/v1/companies/${id}/`, {
    headers: { "content-type": "application/json" },
  });

  expect(answer.status).toBe(204);
});

test.each(["null", "[]", '"text"', "1"])("the body %s is no object", async (body) => {
  const problem = expectProblem(await post(body), 422, "validation_failed");

  expect(problem.detail).toBe("The body must be a JSON object.");
  expect(problem.errors).toMatchObject([{ pointer: "" }]);
});

test("no body at all is a body without fields", async () => {
  const answer = await api.send("POST", "/api/v1/contacts/");

  expect(expectProblem(answer, 422, "validation_failed").errors).toEqual([
    { pointer: "/email", code: "required", detail: "is required" },
  ]);
});

test.each([
  ["sequence-enrollments/bulk-actions/", { action: "pause" }, { action: "pause", ids: [nobody], filter: {} }],
  [`email-templates/${nobody}/preview/`, {}, { contact_id: nobody, contact: { email: "ann@example.com" } }],
  [`email-sequences/${nobody}/plan/`, {}, { contact_id: nobody, csv: "email" }],
  ["sequence-steps/", step, { ...step, delay_days: 1, delay: { value: 2, unit: "hours" } }],
])(
  "of %s, what can be said in several ways is required if it is in none, and invalid if in two",
  async (path, none, two) => {
    const codes = async (body: object) => {
      const { errors } = expectProblem(await api.post(`/api/v1/${path}`, body), 422, "validation_failed");
      return errors.map(({ code }: { code: string }) => code);
    };
    expect(await codes(none)).toContain("required");
    expect(await codes(two)).not.toContain("required");
  },
);

test.each([2_000, 100_000])("a body nested %i levels deep is refused, and the API goes on", async (levels) => {
  const body = `{"email":"a@example.com","attributes":{"a":${"[".repeat(levels)}${"]".repeat(levels)}}}`;
  expectProblem(await post(body), 422, "validation_failed");
});

test("a body that is too large is refused", async () => {
  const problem = expectProblem(await post(`{"email":"${"a".repeat(2_100_000)}"}`), 413, "payload_too_large");
  expect(problem.detail).toContain("2000000 bytes");
});

test("a body that could be much smaller is refused much earlier, also one that does not say how long it is", async () => {
  const body = JSON.stringify({ name: "a".repeat(17_000), scopes: ["read"] });
  const problem = expectProblem(await api.send("POST", "/api/v1/api-keys/", { body }), 413, "payload_too_large");
  expect(problem.detail).toContain("16384 bytes");

  const answer = await fetch(`${api.url}/api/v1/api-keys/`, {
    method: "POST",
    headers: { authorization: `Bearer ${api.key}`, "content-type": "application/json" },
    body: new Blob([body]).stream(),
    duplex: "half",
  } as RequestInit);
  expect(answer.status).toBe(413);
  expect(await answer.json()).toMatchObject({ code: "payload_too_large" });
});

test("nobody without a key makes the server read a body", async () => {
  const body = `{"email":"${"a".repeat(2_100_000)}"}`;
  expectProblem(await api.send("POST", "/api/v1/contacts/", { key: null, body }), 401, "unauthorized");
});

test.each([
  ["a path that leads nowhere", "GET", "/api/v1/nothing-here/"],
  ["an id that is none", "GET", "/api/v1/contacts/not-an-id/"],
  ["an id of nothing", "GET", "/api/v1/contacts/019a0000-0000-7000-8000-00000000dead/"],
  ["an id of endless length", "GET", `/api/v1/contacts/${"x".repeat(2_000)}/`],
  ["a path that cannot be decoded", "GET", "/api/v1/contacts/%zz/"],
])("%s is not found", async (_, method, path) => {
  expectProblem(await api.send(method, path), 404, "not_found");
});

test.each([
  ["DELETE", "/api/v1/contacts/", "GET, HEAD, POST"],
  ["POST", `/api/v1/contacts/${nobody}`, "GET, HEAD, PUT, PATCH, DELETE"],
  ["PUT", `/api/v1/sequence-executions/${nobody}/`, "GET, HEAD"],
])("a method that a path does not take is told which it takes: %s %s", async (method, path, allow) => {
  const answer = await api.send(method, path, { body: {} });
  expectProblem(answer, 405, "method_not_allowed");
  expect(answer.headers.get("allow")).toBe(allow);
});

test("If-Match is refused where nothing depends on a revision, so that nobody relies on it", async () => {
  const answer = await api.post("/api/v1/companies/", { name: "Unmatched" }, { "if-match": '"1"' });
  expectProblem(answer, 400, "invalid_header");
  expect((await api.get("/api/v1/companies/?search=Unmatched")).body.results).toEqual([]);
});

test("whoever sends back what they read is told which fields are only read", async () => {
  const { body } = await api.post("/api/v1/companies/", { name: "Read and sent back" });
  const answer = await api.send("PUT", `/api/v1/companies/${body.id}/`, { body });
  const { errors } = expectProblem(answer, 422, "validation_failed");
  expect(errors).toContainEqual({
    pointer: "/created_at",
    code: "unknown_field",
    detail: '"created_at" cannot be written here: leave it out',
  });
});

test("a sane request id is taken over, any other replaced", async () => {
  const sane = await api.send("GET", "/api/v1/nothing/", { headers: { "x-request-id": "web-1:42" } });
  const strange = await api.send("GET", "/api/v1/nothing/", { headers: { "x-request-id": "<script>" } });

  expect(sane.body.request_id).toBe("web-1:42");
  expect(strange.body.request_id).toMatch(/^[0-9a-f-]{36}$/);
  expect(api.log.join()).toContain("web-1:42");
});

test("pointers are escaped as RFC 6901 says", async () => {
  const answer = await post('{"email":"a@example.com","a/b~c":1}');

  expect(expectProblem(answer, 422, "validation_failed").errors).toMatchObject([
    { pointer: "/a~1b~0c", code: "unknown_field" },
  ]);
});

test("an unexpected error tells the caller nothing but its request id, and the log everything", async () => {
  await pool.query("alter table schedule rename column closed_dates to moved_away");
  const answer = await api.get("/api/v1/schedules/");
  await pool.query("alter table schedule rename column moved_away to closed_dates");

  const problem = expectProblem(answer, 500, "internal_error");
  expect(JSON.stringify(problem)).not.toMatch(/closed_dates|select|column/i);
  const entry = api.log.find((line) => line.includes(problem.request_id) && line.includes("a request failed"));
  expect(entry).toContain("closed_dates");
});

test("while the database cannot be reached every request is told to come back", async () => {
  const database = openDatabase({
    url: "postgres://nobody@127.0.0.1:1/none",
    connectionsMax: 1,
    applicationName: "test",
    onError: () => {},
  });
  const cut = await startApi(url, { database });

  for (const answer of [
    await cut.get("/api/v1/contacts/"),
    await cut.post("/api/v1/contacts/", { email: "a@example.com" }),
  ]) {
    const problem = expectProblem(answer, 503, "database_unavailable");
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(problem.detail).not.toContain("127.0.0.1");
  }
});
