import { newId } from "@dripline/db/new-id";
import { freshDatabase } from "@dripline/testkit/database";
import { expect, test } from "vitest";
import { expectProblem, makers } from "./testing/make.ts";
import { startApi, testNow } from "./testing/start-api.ts";

const { url, pool } = await freshDatabase();
const api = await startApi(url);
const make = makers(api);
const users = "/api/v1/users/";
const unknown = "019a0000-0000-7000-8000-00000000dead";
const change = (method: string, id: string, body: unknown, headers = {}) =>
  api.send(method, `${users}${id}/`, { body, headers });
const remove = (id: string, headers = {}) => api.send("DELETE", `${users}${id}/`, { headers });

test("a user is made with what was said and defaults for the rest, and read back", async () => {
  const { status, body, headers } = await api.post(users, { email: "Olga@example.com", name: "Olga" });

  expect(status).toBe(201);
  expect(headers.get("etag")).toBe('"1"');
  expect(body).toEqual({
    id: expect.any(String),
    email: "Olga@example.com",
    name: "Olga",
    role: "viewer",
    is_active: true,
    revision: 1,
    created_at: testNow.toISOString(),
    updated_at: testNow.toISOString(),
  });
  expect((await api.get(`${users}${body.id}/`)).body).toEqual(body);
});

test("PATCH changes what it names, PUT everything: what it leaves out gets its default", async () => {
  const { id } = await make.user({ name: "Ann", role: "admin" });

  const patched = (await change("PATCH", id, { name: "Anne", is_active: false })).body;
  expect(patched).toMatchObject({ name: "Anne", role: "admin", is_active: false, revision: 2 });
  const put = (await change("PUT", id, { email: "anne@example.com", name: "Anne" })).body;
  expect(put).toMatchObject({ email: "anne@example.com", role: "viewer", is_active: true, revision: 3 });
});

test("deactivating again keeps the moment of the first time", async () => {
  const { id } = await make.user({ is_active: false });
  await pool.query(`update "user" set deactivated_at = '2026-01-01T00:00:00Z' where id = $1`, [id]);

  await change("PATCH", id, { is_active: false });
  const { rows } = await pool.query(`select deactivated_at from "user" where id = $1`, [id]);
  expect(rows[0].deactivated_at).toEqual(new Date("2026-01-01T00:00:00Z"));
});

test("an address belongs to one user, whatever its letter case", async () => {
  const first = await make.user({ email: "one@example.com" });
  const other = await make.user();
  const body = { email: "ONE@example.com", name: "Two" };

  for (const answer of [
    await api.post(users, body),
    await change("PATCH", other.id, body),
    await change("PUT", other.id, body),
  ]) {
    expect(expectProblem(answer, 409, "email_taken")).toMatchObject({
      existing_id: first.id,
      errors: [{ pointer: "/email", code: "taken" }],
    });
  }
  expect((await api.get(`${users}${other.id}/`)).body).toEqual(other);
  expect((await change("PATCH", first.id, { email: "ONE@example.com" })).body.email).toBe("ONE@example.com");
});

test("of two changes that were made to the same revision the second is refused", async () => {
  const { id, revision } = await make.user();
  const headers = { "if-match": `"${revision}"` };

  expect((await change("PATCH", id, { name: "First" }, headers)).status).toBe(200);
  for (const answer of [
    await change("PATCH", id, { name: "Second" }, headers),
    await change("PUT", id, { name: "Second", email: "second@example.com" }, headers),
    await remove(id, headers),
  ]) {
    expect(expectProblem(answer, 412, "precondition_failed")).toMatchObject({ revision: 2 });
  }
  expect((await remove(id, { "if-match": '"2"' })).status).toBe(204);
});

test("a user who made nothing is deleted, and on record as that", async () => {
  const { id } = await make.user();

  expect((await remove(id)).status).toBe(204);
  expectProblem(await api.get(`${users}${id}/`), 404, "not_found");
  const { rows } = await pool.query("select object_type, object_id from audit_log where action = 'deleteUser'");
  expect(rows).toContainEqual({ object_type: "users", object_id: id });
});

test("a user who made something, or has a key, is not deleted, and the answer says by what they are needed", async () => {
  const { id } = await make.user();
  const { id: keyId, key } = await make.apiKey({ user: id, scopes: ["write"] });
  await api.send("POST", "/api/v1/email-sequences/", { key, body: { name: "Theirs" } });
  await api.post(`/api/v1/api-keys/${keyId}/revoke/`, undefined);

  const problem = expectProblem(await remove(id), 409, "in_use");
  expect(problem.used_by).toEqual(["email-sequences", "api-keys"]);
  expect(problem.detail).toContain("is_active");
  expect((await api.get(`${users}${id}/`)).status).toBe(200);
});

test.each([
  [
    "email-templates",
    `with made as (insert into email_template (id, name) values ($1, 'Made by a user') returning id)
     insert into email_template_version (id, template_id, version_number, subject, mjml, html, text, created_by)
     select id, id, 1, 's', '', '', '', $2 from made`,
  ],
  [
    "imports",
    `insert into contact_import (id, status, options, principal, created_by)
     values ($1, 'completed', '{}', 'test', $2)`,
  ],
])("a user who made one of the %s is not deleted", async (resource, insert) => {
  const { id } = await make.user();
  await pool.query(insert, [newId(), id]);

  expect(expectProblem(await remove(id), 409, "in_use").used_by).toEqual([resource]);
});

test.each([
  [{ name: "No address" }, "/email"],
  [{ email: "a@example.com" }, "/name"],
  [{ email: "a@example.com", name: " " }, "/name"],
  [{ email: "nonsense", name: "A" }, "/email"],
  [{ email: "a@example.com", name: "A", role: "owner" }, "/role"],
  [{ email: "a@example.com", name: "A", is_active: "yes" }, "/is_active"],
])("%j is refused at %s", async (body, pointer) => {
  expect(expectProblem(await api.post(users, body), 422, "validation_failed").errors).toMatchObject([{ pointer }]);
});

test("a PATCH that names nothing is refused", async () => {
  expectProblem(await change("PATCH", (await make.user()).id, {}), 422, "validation_failed");
});

test("a user that does not exist is neither read nor changed nor deleted", async () => {
  for (const answer of [
    await api.get(`${users}${unknown}/`),
    await change("PATCH", unknown, { name: "A" }),
    await change("PUT", unknown, { name: "A", email: "a@example.com" }),
    await remove(unknown),
  ]) {
    expectProblem(answer, 404, "not_found");
  }
});

test("users are found by role, by whether they are active, and by words in address or name", async () => {
  const { id } = await make.user({ email: "found@needle.example", role: "editor", is_active: false });
  await make.user({ name: "Needle", role: "viewer" });
  const ids = async (query: string) =>
    (await api.get(`${users}?search=needle&${query}`)).body.results.map((user: { id: string }) => user.id);

  expect(await ids("")).toHaveLength(2);
  for (const query of ["role=editor", "is_active=false", "role=editor&is_active=false"]) {
    expect(await ids(query)).toEqual([id]);
  }
  expect(await ids("role=admin")).toEqual([]);
  expectProblem(await api.get(`${users}?role=owner`), 400, "invalid_query");
});

test("no rule keeps a last admin: the command line makes a key whatever users there are", async () => {
  await pool.query(`update "user" set deactivated_at = now() where role = 'admin'`);
  const { id } = await make.user({ role: "admin" });

  expect((await change("PATCH", id, { is_active: false })).status).toBe(200);
});
