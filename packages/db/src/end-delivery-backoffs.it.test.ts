import { freshDatabase } from "@dripline/testkit/database";
import { beforeEach, expect, test } from "vitest";
import { endDeliveryBackoffs } from "./end-delivery-backoffs.ts";
import { insertBackoff, readBackoffs } from "./testing/backoffs.ts";

const { pool: db } = await freshDatabase();
beforeEach(async () => {
  await db.query("delete from delivery_backoff");
  await insertBackoff(db, { scope: "transport" });
  await insertBackoff(db, { scope: "domain:example.com" });
});

test("the scopes that are named leave as usual again, and the answer says which were slowed down", async () => {
  expect(await endDeliveryBackoffs(db, ["transport", "domain:other.example"])).toEqual(["transport"]);
  expect(Object.keys(await readBackoffs(db))).toEqual(["domain:example.com"]);
});

test("all of them, if all are meant", async () => {
  expect(await endDeliveryBackoffs(db, "all")).toEqual(["domain:example.com", "transport"]);
  expect(await readBackoffs(db)).toEqual({});
});

test("of twenty at once one ends it", async () => {
  const ended = await Promise.all(Array.from({ length: 20 }, () => endDeliveryBackoffs(db, ["transport"])));
  expect(ended.flat()).toEqual(["transport"]);
});
