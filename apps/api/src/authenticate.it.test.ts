import { createApiKey, findApiKey } from "@dripline/db/api-keys";
import { freshDatabase } from "@dripline/testkit/database";
import { expect, test } from "vitest";
import { expectProblem } from "./testing/make.ts";
import { startApi, testNow } from "./testing/start-api.ts";

const { url, pool } = await freshDatabase();
const api = await startApi(url);

test("a key opens the API and says whose it is", async () => {
  const user = "019a0000-0000-7000-8000-000000000007";
  await pool.query(`insert into "user" (id, email, name, role) values ($1, 'olga@example.com', 'Olga', 'editor')`, [
    user,
  ]);
  const expiresAt = new Date("2027-01-01T00:00:00Z");
  const { id, key } = await createApiKey(pool, {
    name: "Olga's",
    now: testNow,
    scopes: ["read", "enroll"],
    userId: user,
    expiresAt,
    requestsPerMinuteMax: 600,
  });

  const { status, body } = await api.send("GET", "/api/v1/me/", { key });

  expect(status).toBe(200);
  expect(body).toEqual({
    api_key: {
      id,
      name: "Olga's",
      prefix: key.split("_").slice(0, 2).join("_"),
      scopes: ["read", "enroll"],
      expires_at: expiresAt.toISOString(),
      requests_per_minute: 600,
    },
    user: { id: user, email: "olga@example.com", name: "Olga", role: "editor" },
  });
});

test("a key of nobody, without an end and a limit, says so", async () => {
  const { body } = await api.get("/api/v1/me/");

  expect(body).toMatchObject({ api_key: { expires_at: null, requests_per_minute: null }, user: null });
});

test("what a user's key creates is theirs", async () => {
  const user = "019a0000-0000-7000-8000-000000000008";
  await pool.query(`insert into "user" (id, email, name) values ($1, 'uli@example.com', 'Uli')`, [user]);
  const { key } = await createApiKey(pool, { name: "Uli's", now: testNow, scopes: ["write"], userId: user });

  const { body } = await api.send("POST", "/api/v1/email-sequences/", { key, body: { name: "Uli's" } });

  expect(body).toMatchObject({ created_by: user, created_by_name: "Uli" });
});

test("no key, a wrong, mistyped, expired or revoked one, or a deactivated user's: all get the same answer", async () => {
  const user = "019a0000-0000-7000-8000-000000000009";
  await pool.query(
    `insert into "user" (id, email, name, deactivated_at) values ($1, 'gone@example.com', 'Gone', now())`,
    [user],
  );
  const deactivated = await createApiKey(pool, { name: "gone", now: testNow, scopes: ["admin"], userId: user });
  const expired = await createApiKey(pool, { name: "old", now: testNow, scopes: ["write"], expiresAt: testNow });
  const revoked = await createApiKey(pool, { name: "revoked", now: testNow, scopes: ["write"] });
  await pool.query("update api_key set revoked_at = now() where id = $1", [revoked.id]);
  const mistyped = `${api.key.slice(0, -1)}${api.key.endsWith("0") ? "1" : "0"}`;
  const wrong = `${api.key.split("_").slice(0, 2).join("_")}_${"0".repeat(40)}`;
  const unknown = `dk_unknownx_${"0".repeat(40)}`;

  const details = new Set<string>();
  const keys = [mistyped, wrong, unknown, expired.key, revoked.key, deactivated.key, `${api.key} x`];
  for (const key of [null, "", "nonsense", ...keys]) {
    const answer = await api.send("GET", "/api/v1/me/", { key });
    expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer/);
    const { request_id: _, ...problem } = expectProblem(answer, 401, "unauthorized");
    details.add(JSON.stringify(problem));
  }

  expect(details.size).toBe(1);
});

test("other schemes are refused, and the word Bearer counts in any letter case", async () => {
  const basic = await api.send("GET", "/api/v1/me/", { key: null, headers: { authorization: `Basic ${api.key}` } });
  const lower = await api.send("GET", "/api/v1/me/", { key: null, headers: { authorization: `bearer ${api.key}` } });

  expectProblem(basic, 401, "unauthorized");
  expect(lower.status).toBe(200);
});

test("the body is not looked at before the key", async () => {
  expectProblem(await api.send("POST", "/api/v1/contacts/", { key: null, body: "{" }), 401, "unauthorized");
});

test("only the hash of a key is stored", async () => {
  const { key } = await createApiKey(pool, { name: "hidden", now: testNow, scopes: ["write"] });

  const { rows } = await pool.query("select row_to_json(k)::text as row from api_key k");
  const secret = key.split("_")[2] ?? "";
  expect(secret).toMatch(/^[0-9a-f]{48}$/);
  for (const { row } of rows) expect(row).not.toContain(secret);
  expect(await findApiKey(pool, key, testNow)).toMatchObject({ name: "hidden" });
});

test("keys do not get into the log", async () => {
  await api.get("/api/v1/me/");

  expect(api.log.join()).toContain("/api/v1/me");
  expect(api.log.join()).not.toContain(api.key.split("_")[2]);
});

test("a revoked key is refused at the next request, and one whose user is deactivated as well", async () => {
  const user = (await api.post("/api/v1/users/", { email: "paul@example.com", name: "Paul" })).body;
  const make = async (fields: object) =>
    (await api.post("/api/v1/api-keys/", { name: "Paul's", scopes: ["read"], ...fields })).body;
  const [own, other] = [await make({ user: user.id }), await make({})];
  const statuses = async () => [
    (await api.send("GET", "/api/v1/contacts/", { key: own.key })).status,
    (await api.send("GET", "/api/v1/contacts/", { key: other.key })).status,
  ];

  expect(await statuses()).toEqual([200, 200]);
  await api.post(`/api/v1/api-keys/${other.id}/revoke/`, undefined);
  expect(await statuses()).toEqual([200, 401]);
  await api.send("PATCH", `/api/v1/users/${user.id}/`, { body: { is_active: false } });
  expect(await statuses()).toEqual([401, 401]);
  await api.send("PATCH", `/api/v1/users/${user.id}/`, { body: { is_active: true } });
  expect(await statuses()).toEqual([200, 401]);
});

test("the last use of a key is noted, and with it goes at most one write a minute", async () => {
  let now = testNow;
  const clocked = await startApi(url, { now: () => now });
  const { rows } = await pool.query("select id from api_key where prefix = $1", [clocked.key.slice(0, 11)]);
  const state = async () =>
    (await pool.query("select last_used_at, xmin from api_key where id = $1", [rows[0].id])).rows[0];
  const use = async (secondsLater: number) => {
    now = new Date(testNow.getTime() + secondsLater * 1_000);
    await clocked.get("/api/v1/me/");
  };

  await use(0);
  await expect.poll(async () => (await state()).last_used_at).toEqual(testNow);
  const first = await state();
  await use(59);
  await use(60);
  await expect.poll(async () => (await state()).last_used_at).toEqual(now);
  const second = await state();
  expect(second.xmin).not.toBe(first.xmin);
  await use(119);
  await use(61); // a clock that went back
  await clocked.get("/api/v1/contacts/");
  expect(await state()).toEqual(second);
});
