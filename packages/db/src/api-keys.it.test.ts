import { createHash } from "node:crypto";
import { freshDatabase } from "@dripline/testkit/database";
import { expect, test } from "vitest";
import { createApiKey, findApiKey, noteApiKeyUse, prefixOfKey } from "./api-keys.ts";
import { newId } from "./new-id.ts";

const { pool: db } = await freshDatabase();
const now = new Date("2026-03-03T10:00:00Z");
const make = async () => (await createApiKey(db, { name: "test", now, scopes: ["read"] })).key;

test("a key names itself by its prefix, and no key of its length with one letter changed is taken for one", async () => {
  const key = await make();
  const prefix = key.slice(0, 11);

  expect(prefixOfKey(key)).toBe(prefix);
  for (let place = 3; place < key.length; place++) {
    const typed = key.slice(0, place) + (key[place] === "0" ? "1" : "0") + key.slice(place + 1);
    if (key[place] !== "_") expect(prefixOfKey(typed), `changed at ${place}`).toBeUndefined();
  }
  for (const cut of [1, 2, 7]) expect(prefixOfKey(key.slice(0, -cut))).toBeUndefined();
});

test.each([
  "",
  "dk_",
  "dk_abcdefgh",
  "sk_abcdefgh_0123456789abcdef",
  "dk_abcdefgh_0123",
  "dk_ab-defgh_0123456789abcdef",
])("%j has not the shape of a key", (text) => {
  expect(prefixOfKey(text)).toBeUndefined();
});

test("a key of before checksums, with 40 digits, still works", async () => {
  const [key, id] = [`dk_oldoldol_${"ab12".repeat(10)}`, newId()];
  await db.query(
    "insert into api_key (id, name, prefix, key_hash, scopes) values ($1, 'old', 'dk_oldoldol', $2, '{admin}')",
    [id, createHash("sha256").update(key).digest("hex")],
  );

  expect(await findApiKey(db, key, now)).toMatchObject({ id, scopes: ["admin"] });
});

test("a key works until it expires, to the millisecond", async () => {
  const expiresAt = new Date("2026-03-03T12:00:00.000Z");
  const { key } = await createApiKey(db, { name: "test", now, scopes: ["read"], expiresAt });

  expect(await findApiKey(db, key, new Date("2026-03-03T11:59:59.999Z"))).toBeDefined();
  expect(await findApiKey(db, key, expiresAt)).toBeUndefined();
});

test("of two that use a key in the same minute, whose last look is old, the earlier does not set the clock back", async () => {
  const { id } = (await findApiKey(db, await make(), now)) ?? { id: "" };
  const later = new Date("2026-03-03T10:00:30Z");
  await noteApiKeyUse(db, { id, lastUsedAt: null }, later);
  await noteApiKeyUse(db, { id, lastUsedAt: null }, now);

  const { rows } = await db.query("select last_used_at from api_key where id = $1", [id]);
  expect(rows).toEqual([{ last_used_at: later }]);
});
