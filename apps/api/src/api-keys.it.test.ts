import { freshDatabase } from "@dripline/testkit/database";
import { describe, expect, test } from "vitest";
import { expectProblem, makers } from "./testing/make.ts";
import { startApi, testNow } from "./testing/start-api.ts";

const { url, pool } = await freshDatabase();
let now = testNow;
const api = await startApi(url, { now: () => now });
const make = makers(api);
const keys = "/api/v1/api-keys/";
const unknown = "019a0000-0000-7000-8000-00000000dead";
const inMinutes = (minutes: number) => new Date(testNow.getTime() + minutes * 60_000);
const works = async (key: string) => (await api.send("GET", "/api/v1/me/", { key })).status === 200;
const change = (id: string, body: unknown) => api.send("PATCH", `${keys}${id}/`, { body });
const act = (id: string, action: "rotate" | "revoke", body?: object, headers = {}) =>
  api.post(`${keys}${id}/${action}/`, body, headers);

test("a key is shown when it is made and never again, and works as it was asked for", async () => {
  const user = await make.user();
  const input = { name: "Shop", scopes: ["read", "enroll"], user: user.id, requests_per_minute: 60 };
  const { status, body } = await api.post(keys, { ...input, expires_at: "2027-01-01T00:00:00+07:00" });

  expect(status).toBe(201);
  const { key, ...record } = body;
  expect(record).toEqual({
    ...input,
    id: expect.any(String),
    prefix: key.slice(0, 11),
    user_name: user.name,
    is_active: true,
    created_at: testNow.toISOString(),
    expires_at: "2026-12-31T17:00:00.000Z",
    revoked_at: null,
    last_used_at: null,
    revision: 1,
  });
  expect((await api.get(`${keys}${body.id}/`)).body).toEqual(record);
  expect(JSON.stringify((await api.get(keys)).body)).not.toContain(key.slice(12));
  expect(await works(key)).toBe(true);
  expect(api.log.join()).not.toContain(key.slice(12));
});

test("the stored answer of a repeated request does not have the key, and says so by null", async () => {
  const body = { name: "Once", scopes: ["read"] };
  const headers = { "idempotency-key": "make a key" };
  const first = await api.post(keys, body, headers);
  const again = await api.post(keys, body, headers);

  expect(again.status).toBe(201);
  expect(again.headers.get("idempotency-replayed")).toBe("true");
  expect(again.body).toEqual({ ...first.body, key: null });
  const { rows } = await pool.query("select row_to_json(i)::text as row from idempotency_key i");
  expect(rows.length).toBeGreaterThan(0);
  for (const { row } of rows) expect(row).not.toContain(first.body.key.slice(12));
  const { rows: audit } = await pool.query("select row_to_json(a)::text as row from audit_log a");
  for (const { row } of audit) expect(row).not.toContain(first.body.key.slice(12));

  // What there is to do for whoever lost the first answer.
  const rotated = await act(again.body.id, "rotate", {}, { "idempotency-key": "rotate it" });
  expect(await works(rotated.body.key)).toBe(true);
  expect((await act(again.body.id, "rotate", {}, { "idempotency-key": "rotate it" })).body).toEqual({
    ...rotated.body,
    key: null,
  });
});

test("name, limit and expiry can be changed, the rest cannot", async () => {
  const { id, key } = await make.apiKey();

  const changes = { name: "Renamed", requests_per_minute: 5, expires_at: "2026-12-01T00:00:00.000Z" };
  expect((await change(id, changes)).body).toMatchObject(changes);
  expect((await change(id, { expires_at: null })).body).toMatchObject({ ...changes, expires_at: null });
  expect(await works(key)).toBe(true);
  for (const field of ["scopes", "user", "key", "prefix"]) {
    expectProblem(await change(id, { [field]: "x" }), 422, "validation_failed");
  }
});

describe("rotating", () => {
  test("makes a new key with the same rights, and the old one ends at once", async () => {
    const user = await make.user();
    const old = await make.apiKey({
      scopes: ["read", "enroll"],
      user: user.id,
      requests_per_minute: 7,
      expires_at: "2027-01-01T00:00:00.000Z",
    });
    const { status, body } = await act(old.id, "rotate");

    expect(status).toBe(201);
    const { name, scopes, user: of, requests_per_minute: limit, expires_at: end } = old;
    expect(body).toMatchObject({ name, scopes, user: of, requests_per_minute: limit, expires_at: end });
    expect(body.id).not.toBe(old.id);
    expect([await works(old.key), await works(body.key)]).toEqual([false, true]);
    expect((await api.get(`${keys}${old.id}/`)).body).toMatchObject({
      is_active: false,
      revoked_at: expect.any(String),
    });
  });

  test("with an overlap lets both work until it is over, and the old one no longer than it would have", async () => {
    const [long, short] = [await make.apiKey(), await make.apiKey({ expires_at: inMinutes(5).toISOString() })];
    const next = (await act(long.id, "rotate", { overlap_minutes: 10 })).body;
    await act(short.id, "rotate", { overlap_minutes: 10, expires_at: null });

    now = inMinutes(9);
    expect([await works(long.key), await works(next.key), await works(short.key)]).toEqual([true, true, false]);
    now = inMinutes(10);
    expect([await works(long.key), await works(next.key)]).toEqual([false, true]);
    now = testNow;
  });

  test("can give another expiry, and must when the old one's is over", async () => {
    const old = await make.apiKey({ expires_at: inMinutes(5).toISOString() });
    now = inMinutes(6);
    const refused = await act(old.id, "rotate");
    expect(expectProblem(refused, 422, "validation_failed").errors).toMatchObject([{ pointer: "/expires_at" }]);

    const expires_at = inMinutes(60).toISOString();
    const next = (await act(old.id, "rotate", { expires_at })).body;
    expect(next).toMatchObject({ expires_at });
    expect(await works(next.key)).toBe(true);
    now = testNow;
  });

  test("the key of the request itself works, and it is over with the answer", async () => {
    const { id, key } = await make.apiKey({ scopes: ["admin"] });
    const { body } = await api.send("POST", `${keys}${id}/rotate/`, { key });

    expect([await works(key), await works(body.key)]).toEqual([false, true]);
  });

  test("of two at once without an overlap one makes a key", async () => {
    const { id } = await make.apiKey();
    const answers = await Promise.all([act(id, "rotate"), act(id, "rotate")]);

    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
  });

  test.each([-1, 10_081, 1.5, "10"])("with an overlap of %j is refused", async (minutes) => {
    const { id } = await make.apiKey();
    expectProblem(await act(id, "rotate", { overlap_minutes: minutes }), 422, "validation_failed");
  });
});

test("revoking and deleting do the same, once: the moment of the first time stays, and the record of the key", async () => {
  const [one, other] = [await make.apiKey(), await make.apiKey()];

  expect((await act(one.id, "revoke")).body).toMatchObject({ is_active: false, revoked_at: testNow.toISOString() });
  expect((await api.send("DELETE", `${keys}${other.id}/`)).status).toBe(204);
  now = inMinutes(1);
  expect((await act(one.id, "revoke")).body.revoked_at).toBe(testNow.toISOString());
  expect((await api.send("DELETE", `${keys}${other.id}/`)).status).toBe(204);
  expect((await api.get(`${keys}${other.id}/`)).body.revoked_at).toBe(testNow.toISOString());
  now = testNow;
  expect([await works(one.key), await works(other.key)]).toEqual([false, false]);
});

test("a revoked key is neither changed nor rotated: that is for good", async () => {
  const { id } = await make.apiKey();
  await act(id, "revoke");

  expectProblem(await change(id, { name: "Back" }), 409, "api_key_revoked");
  expectProblem(await act(id, "rotate"), 409, "api_key_revoked");
  expectProblem(await act(id, "rotate", { overlap_minutes: 5 }), 409, "api_key_revoked");
});

test("a key that expired can be brought back by a later end", async () => {
  const { id, key } = await make.apiKey({ expires_at: inMinutes(5).toISOString() });
  now = inMinutes(6);
  expect(await works(key)).toBe(false);

  await change(id, { expires_at: inMinutes(60).toISOString() });
  expect(await works(key)).toBe(true);
  now = testNow;
});

test.each([
  [{ scopes: ["read"] }, "/name"],
  [{ name: "A" }, "/scopes"],
  [{ name: "A", scopes: [] }, "/scopes"],
  [{ name: "A", scopes: ["read", "read"] }, "/scopes"],
  [{ name: "A", scopes: ["root"] }, "/scopes/0"],
  [{ name: "A", scopes: ["read"], requests_per_minute: 0 }, "/requests_per_minute"],
  [{ name: "A", scopes: ["read"], expires_at: testNow.toISOString() }, "/expires_at"],
  [{ name: "A", scopes: ["read"], expires_at: "tomorrow" }, "/expires_at"],
  [{ name: "A", scopes: ["read"], user: unknown }, "/user"],
])("%j is refused at %s", async (body, pointer) => {
  expect(expectProblem(await api.post(keys, body), 422, "validation_failed").errors).toMatchObject([{ pointer }]);
});

test("for a deactivated user no key is made", async () => {
  const user = await make.user({ is_active: false });
  const answer = await api.post(keys, { name: "A", scopes: ["read"], user: user.id });

  expect(expectProblem(answer, 422, "validation_failed").errors).toMatchObject([
    { pointer: "/user", code: "deactivated" },
  ]);
});

test("an end in the past is refused in a change, and so is a change of nothing", async () => {
  const { id } = await make.apiKey();

  expectProblem(await change(id, { expires_at: "2020-01-01T00:00:00Z" }), 422, "validation_failed");
  expectProblem(await change(id, {}), 422, "validation_failed");
});

test("a key that does not exist is neither read nor changed nor rotated nor revoked", async () => {
  for (const answer of [
    await api.get(`${keys}${unknown}/`),
    await change(unknown, { name: "A" }),
    await act(unknown, "rotate"),
    await act(unknown, "revoke"),
    await api.send("DELETE", `${keys}${unknown}/`),
  ]) {
    expectProblem(answer, 404, "not_found");
  }
});

test("keys are found by user, by whether they work now, and by words in name or prefix", async () => {
  const [user, gone] = [await make.user(), await make.user()];
  const works = await make.apiKey({ name: "needle", user: user.id });
  const revoked = await make.apiKey({ name: "needle", user: user.id });
  const expired = await make.apiKey({ name: "needle", expires_at: inMinutes(1).toISOString() });
  const deactivated = await make.apiKey({ name: "needle", user: gone.id });
  await act(revoked.id, "revoke");
  await api.send("PATCH", `/api/v1/users/${gone.id}/`, { body: { is_active: false } });
  now = inMinutes(2);
  const ids = async (query: string) => {
    const { body } = await api.get(`${keys}?include_count=true&ordering=-created_at&${query}`);
    expect(body.count).toBe(body.results.length);
    return body.results.map((key: { id: string }) => key.id);
  };

  expect(await ids("search=needle&is_active=true")).toEqual([works.id]);
  expect(await ids("search=needle&is_active=false")).toEqual([deactivated.id, expired.id, revoked.id]);
  expect(await ids(`user=${user.id}`)).toEqual([revoked.id, works.id]);
  expect(await ids(`search=${works.prefix}`)).toEqual([works.id]);
  now = testNow;
});

test("what can be changed of a key is replaced whole by PUT, and by nobody who read an older one", async () => {
  const made = await make.apiKey({ name: "Before", requests_per_minute: 60 });
  const put = (body: object, headers = {}) => api.send("PUT", `${keys}${made.id}/`, { body, headers });

  const answer = await put({ name: "After" }, { "if-match": '"1"' });

  expect(answer.body).toMatchObject({ name: "After", requests_per_minute: null, expires_at: null, revision: 2 });
  expectProblem(await put({ name: "Late" }, { "if-match": '"1"' }), 412, "precondition_failed");
  expectProblem(await put({ name: "After", scopes: ["admin"] }), 422, "validation_failed");
  await act(made.id, "revoke");
  expectProblem(await put({ name: "Too late" }), 409, "api_key_revoked");
});
