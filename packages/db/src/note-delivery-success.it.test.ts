import { openDatabase } from "@dripline/db/database";
import { freshDatabase } from "@dripline/testkit/database";
import { afterAll, beforeEach, expect, test } from "vitest";
import { noteDeliverySuccess } from "./note-delivery-success.ts";
import { insertBackoff, readBackoffs, secondsFromNow, secondsUntil } from "./testing/backoffs.ts";

const { url } = await freshDatabase();
const db = openDatabase({ url, connectionsMax: 20, applicationName: "test", onError: () => {} });
afterAll(() => db.end());
beforeEach(() => db.query("delete from delivery_backoff"));

const scopes = ["transport", "domain:example.com"];

function success(values: Partial<Parameters<typeof noteDeliverySuccess>[1]> = {}): Promise<string[]> {
  return noteDeliverySuccess(db, { scopes, domainOverSeconds: 4, startedAt: new Date(), ...values });
}

test("the transport is used as usual from now on, however long its interval was; a domain twice as often", async () => {
  await insertBackoff(db, { scope: "transport", intervalSeconds: 1_800 });
  await insertBackoff(db, { scope: "domain:example.com", intervalSeconds: 60, nextAt: secondsFromNow(60) });
  expect(await success()).toEqual(["transport"]);
  const rows = await readBackoffs(db);
  expect(Object.keys(rows)).toEqual(["domain:example.com"]);
  const row = rows["domain:example.com"];
  expect(row?.intervalSeconds).toBe(30);
  expect(secondsUntil(row?.nextAt)).toBeLessThanOrEqual(30);
});

test("a domain whose interval comes below the smallest is not slowed down any more", async () => {
  await insertBackoff(db, { scope: "domain:example.com", intervalSeconds: 7.5 });
  expect(await success()).toEqual(["domain:example.com"]);
  expect(await readBackoffs(db)).toEqual({});
});

test("twenty at once halve a domain's interval once, and end the transport's once", async () => {
  await insertBackoff(db, { scope: "transport" });
  await insertBackoff(db, { scope: "domain:example.com", intervalSeconds: 60 });
  const startedAt = new Date();
  const over = await Promise.all(Array.from({ length: 20 }, () => success({ startedAt })));
  expect(over.flat()).toEqual(["transport"]);
  expect((await readBackoffs(db))["domain:example.com"]?.intervalSeconds).toBe(30);
});

test("an email that was under way before the last failure proves nothing", async () => {
  for (const scope of scopes) await insertBackoff(db, { scope, updatedAt: new Date() });
  const before = await readBackoffs(db);
  expect(await success({ startedAt: secondsFromNow(-10) })).toEqual([]);
  expect(await readBackoffs(db)).toEqual(before);
});

test("scopes that it did not try stay as they are", async () => {
  await insertBackoff(db, { scope: "transport" });
  await insertBackoff(db, { scope: "domain:elsewhere.example" });
  await success({ scopes: ["transport"] });
  expect(Object.keys(await readBackoffs(db))).toEqual(["domain:elsewhere.example"]);
});
