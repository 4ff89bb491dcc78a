import { createApiKey, findApiKey } from "@dripline/db/api-keys";
import { freshDatabase } from "@dripline/testkit/database";
import { expect, test } from "vitest";
import { expectProblem } from "./testing/make.ts";
import { startApi, testNow } from "./testing/start-api.ts";

const { url, pool } = await freshDatabase();
const api = await startApi(url);

test("a key opens the API and says whose it is", async () => {
  const user = "019a0000-0000-7000-8000-000000000007";
  await pool.query(`insert into "user" (id, email, name) values ($1, 'olga@example.com', 'Olga')`, [user]);
  const { id, key } = await createApiKey(pool, { name: "Olga's", now: testNow, scopes: ["write"], userId: user });

  const { status, body } = await api.send("GET", "/api/v1/me/", { key });

  expect(status).toBe(200);
  expect(body).toEqual({
    api_key: { id, name: "Olga's", prefix: key.split("_").slice(0, 2).join("_") },
    user: { id: user, name: "Olga" },
  });
});

test("what a user's key creates is theirs", async () => {
  const user = "019a0000-0000-7000-8000-000000000008";
  await pool.query(`insert into "user" (id, email, name) values ($1, 'uli@example.com', 'Uli')`, [user]);
  const { key } = await createApiKey(pool, { name: "Uli's", now: testNow, scopes: ["write"], userId: user });

  const { body } = await api.send("POST", "/api/v1/email-sequences/", { key, body: { name: "Uli's" } });

  expect(body).toMatchObject({ created_by: user, created_by_name: "Uli" });
});

test("no key, a wrong, expired or revoked one: all get the same answer", async () => {
  const expired = await createApiKey(pool, { name: "old", now: testNow, scopes: ["write"], expiresAt: testNow });
  const revoked = await createApiKey(pool, { name: "revoked", now: testNow, scopes: ["write"] });
  await pool.query("update api_key set revoked_at = now() where id = $1", [revoked.id]);
  const wrong = `${api.key.slice(0, -1)}${api.key.endsWith("0") ? "1" : "0"}`;

  const details = new Set<string>();
  for (const key of [null, "", "nonsense", wrong, expired.key, revoked.key, `${`${api.key}\0`.slice(0, -1)} x`]) {
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
