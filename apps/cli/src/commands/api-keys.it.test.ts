import { findApiKey } from "@dripline/db/api-keys";
import { insertUser } from "@dripline/db/queries/write-user";
import { freshDatabase } from "@dripline/testkit/database";
import { expect, test, vi } from "vitest";
import { type CreateKeyOptions, createKey } from "./create-api-key.ts";
import { revokeKey } from "./revoke-api-key.ts";

const { url, pool: db } = await freshDatabase();
const env = { DATABASE_URL: url };
const now = new Date("2026-03-03T10:00:00Z");

/** Standard output alone: what a script reads. */
async function printed(command: () => Promise<void>): Promise<string> {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  const error = vi.spyOn(console, "error").mockImplementation(() => {});
  try {
    await command();
    return log.mock.calls.flat().join("\n");
  } finally {
    log.mockRestore();
    error.mockRestore();
  }
}

const create = (options: Partial<CreateKeyOptions> = {}) =>
  printed(() => createKey(env, "/nowhere", { name: "shop", scopes: ["enroll"], now, ...options }));
const revoke = (prefix: string) => printed(() => revokeKey(env, "/nowhere", { prefix, now }));
const prefixOf = (key: string) => key.split("_").slice(0, 2).join("_");

async function makeUser(email: string, isActive = true): Promise<string> {
  const written = await insertUser(db, { email, name: "Olga", role: "editor", isActive, now });
  return written.kind === "written" ? written.id : "";
}

test("standard output is the key alone, which may do what was asked for until it expires", async () => {
  const key = await create({ scopes: ["read", "enroll"], expiresInDays: 30, requestsPerMinute: 60 });

  expect(key).toMatch(/^dk_[a-z]{8}_[0-9a-f]{48}$/);
  expect(await findApiKey(db, key, now)).toMatchObject({
    name: "shop",
    scopes: ["read", "enroll"],
    expiresAt: new Date("2026-04-02T10:00:00Z"),
    requestsPerMinuteMax: 60,
    user: null,
  });
  expect(await findApiKey(db, key, new Date("2026-04-02T10:00:00Z"))).toBeUndefined();
});

test("a user is named by id, or by address in any letter case", async () => {
  const id = await makeUser("olga@example.com");

  for (const user of [id, "Olga@Example.com"]) {
    expect(await findApiKey(db, await create({ user }), now)).toMatchObject({ user: { id } });
  }
});

test.each(["nobody@example.com", "019a0000-0000-7000-8000-00000000dead"])(
  "for a user that does not exist (%s) no key is made",
  async (user) => {
    await expect(create({ user })).rejects.toMatchObject({
      name: "UserError",
      message: expect.stringMatching(/There is no user/),
    });
  },
);

test("for a user who is deactivated no key is made, as it would not work", async () => {
  await makeUser("gone@example.com", false);
  await expect(create({ user: "gone@example.com" })).rejects.toMatchObject({ name: "UserError" });
});

test.each(["prefix", "whole key"])("a key is revoked by its %s, once, and who did it is on record", async (what) => {
  const key = await create();
  const { id } = (await findApiKey(db, key, now)) ?? {};

  expect(await revoke(what === "prefix" ? prefixOf(key) : key)).toContain("is revoked");
  expect(await findApiKey(db, key, now)).toBeUndefined();
  expect(await revoke(prefixOf(key))).toContain("was revoked before");
  const { rows } = await db.query("select principal, action from audit_log where object_id = $1 order by id", [id]);
  expect(rows).toEqual([
    { principal: "dripline create-api-key", action: "createApiKey" },
    { principal: "dripline revoke-api-key", action: "revokeApiKey" },
  ]);
});

test("a key that does not exist is answered with what to write, without the secret part of what was written", async () => {
  await expect(revoke("dk_nonsense_secret")).rejects.toMatchObject({
    name: "UserError",
    message: expect.stringMatching(/no API key dk_nonsense\./),
  });
});
