import { openDatabase } from "@dripline/db/database";
import { freshDatabase } from "@dripline/testkit/database";
import { afterAll, beforeEach, expect, test } from "vitest";
import { type DeliveryFailure, noteDeliveryFailure } from "./note-delivery-failure.ts";
import { insertBackoff, readBackoffs, secondsFromNow, secondsUntil } from "./testing/backoffs.ts";

const { url } = await freshDatabase();
const db = openDatabase({ url, connectionsMax: 20, applicationName: "test", onError: () => {} });
afterAll(() => db.end());
beforeEach(() => db.query("delete from delivery_backoff"));

function failure(values: Partial<DeliveryFailure> = {}): DeliveryFailure {
  return {
    scope: "transport",
    reason: "transport_unusable",
    message: "535 5.7.8 wrong password",
    steps: { firstSeconds: 60, longestSeconds: 1_800 },
    jitter: 1,
    startedAt: new Date(),
    ...values,
  };
}

test("the first failure begins with the shortest interval and keeps what the server said", async () => {
  const noted = await noteDeliveryFailure(db, failure({ jitter: 1.1 }));
  expect(noted?.intervalSeconds).toBe(60);
  expect(Math.abs(secondsUntil(noted?.nextAt) - 66)).toBeLessThan(20);
  const { transport } = await readBackoffs(db);
  expect(transport).toMatchObject({ reason: "transport_unusable", message: "535 5.7.8 wrong password" });
  expect(transport?.since).toEqual(transport?.updatedAt);
});

test("a further one doubles it, keeps since when, and says what the server said last", async () => {
  await insertBackoff(db, { scope: "transport", intervalSeconds: 60 });
  const before = (await readBackoffs(db)).transport;
  const noted = await noteDeliveryFailure(db, failure({ message: "454 4.7.0 later" }));
  expect(noted?.intervalSeconds).toBe(120);
  expect(Math.abs(secondsUntil(noted?.nextAt) - 120)).toBeLessThan(20);
  expect((await readBackoffs(db)).transport).toMatchObject({ since: before?.since, message: "454 4.7.0 later" });
});

test("it never gets longer than the longest, nor shorter than the first of the reason that is new", async () => {
  await insertBackoff(db, { scope: "transport", intervalSeconds: 1_500 });
  expect((await noteDeliveryFailure(db, failure()))?.intervalSeconds).toBe(1_800);
  await insertBackoff(db, { scope: "domain:example.com", intervalSeconds: 60 });
  const steps = { firstSeconds: 300, longestSeconds: 14_400 };
  const other = failure({ scope: "domain:example.com", steps });
  expect((await noteDeliveryFailure(db, other))?.intervalSeconds).toBe(300);
});

test.each(["not slowed down yet", "slowed down already"])(
  "twenty emails that fail at once count as one failure, with the scope %s",
  async (before) => {
    if (before === "slowed down already") await insertBackoff(db, { scope: "transport", intervalSeconds: 30 });
    const startedAt = new Date();
    const noted = await Promise.all(Array.from({ length: 20 }, () => noteDeliveryFailure(db, failure({ startedAt }))));
    expect(noted.filter((each) => each !== undefined)).toHaveLength(1);
    expect((await readBackoffs(db)).transport?.intervalSeconds).toBe(60);
  },
);

test("an email that was looked at before the last change does not double it again", async () => {
  await insertBackoff(db, { scope: "transport", updatedAt: new Date() });
  const before = await readBackoffs(db);
  expect(await noteDeliveryFailure(db, failure({ startedAt: secondsFromNow(-10) }))).toBeUndefined();
  expect(await readBackoffs(db)).toEqual(before);
});
