import { openDatabase } from "@dripline/db/database";
import { freshDatabase } from "@dripline/testkit/database";
import { waitFor } from "@dripline/testkit/wait-for";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { type DeliveryPlaceAnswer, giveBackDeliveryPlace, takeDeliveryPlace } from "./take-delivery-place.ts";
import { insertBackoff, readBackoffs, secondsFromNow, secondsUntil } from "./testing/backoffs.ts";

const { url, pool } = await freshDatabase();
const db = openDatabase({ url, connectionsMax: 20, applicationName: "test", onError: () => {} });
afterAll(() => db.end());
beforeEach(() => db.query("delete from delivery_backoff"));

const both = ["transport", "domain:example.com"];

/** All of them wait for the rows before the first can write: each has read what it has to read anew. */
async function atOnce(count: number): Promise<DeliveryPlaceAnswer[]> {
  const holder = await pool.connect();
  try {
    await holder.query("begin");
    await holder.query("select from delivery_backoff for update");
    const answers = Promise.all(Array.from({ length: count }, () => takeDeliveryPlace(db, both)));
    await waitFor(async () => (await countWaiting()) === count, {
      timeoutMilliseconds: 20_000,
      describe: `${count} connections that wait for a row`,
    });
    await holder.query("commit");
    return await answers;
  } finally {
    holder.release();
  }
}

async function countWaiting(): Promise<number | null> {
  const { rowCount } = await pool.query(
    "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
  );
  return rowCount;
}

test("where nothing is slowed down everybody goes, and nothing is written", async () => {
  await insertBackoff(db, { scope: "domain:elsewhere.example", nextAt: secondsFromNow(60) });
  const before = await readBackoffs(db);
  expect(await takeDeliveryPlace(db, both)).toEqual({ kind: "taken", probes: [] });
  expect(await readBackoffs(db)).toEqual(before);
});

test.each([[["transport"]], [["domain:example.com"]], [both]])(
  "of twenty at once exactly one tries %j, and the next one an interval later",
  async (scopes) => {
    for (const scope of scopes) await insertBackoff(db, { scope });
    const answers = await atOnce(20);
    const taken = answers.filter((answer) => answer.kind === "taken");
    expect(taken).toHaveLength(1);
    expect(taken[0]).toEqual({ kind: "taken", probes: expect.arrayContaining(scopes) });
    for (const scope of scopes) {
      const seconds = secondsUntil((await readBackoffs(db))[scope]?.nextAt);
      expect(seconds).toBeGreaterThan(40);
      expect(seconds).toBeLessThanOrEqual(60);
    }
  },
);

test("those who find it taken come back one after the other, the first exactly when the next may try", async () => {
  const nextAt = secondsFromNow(60);
  await insertBackoff(db, { scope: "transport", nextAt });
  const answers = await atOnce(20);
  const moments = answers.map((answer) => (answer.kind === "backed_off" ? answer.comeBackAt.getTime() : Number.NaN));
  const apart = Array.from({ length: 20 }, (_, index) => nextAt.getTime() + index * 50);
  expect(moments.toSorted((one, other) => one - other)).toEqual(apart);
});

test("who finds it taken is told what the server said, since when, and how far apart emails leave", async () => {
  await insertBackoff(db, { scope: "transport", nextAt: secondsFromNow(60) });
  const { message, since, nextAt } = (await readBackoffs(db)).transport ?? {};
  expect(await takeDeliveryPlace(db, both)).toMatchObject({
    kind: "backed_off",
    backoff: { scope: "transport", reason: "transport_unusable", message, since, nextAt, intervalSeconds: 60 },
  });
});

describe("an email that two scopes slow down", () => {
  test.each([both, both.toReversed()])("takes no turn of %s while it is not that of %s", async (free, blocked) => {
    await insertBackoff(db, { scope: free });
    await insertBackoff(db, { scope: blocked, nextAt: secondsFromNow(60) });
    const before = await readBackoffs(db);
    expect(await takeDeliveryPlace(db, both)).toMatchObject({ kind: "backed_off", backoff: { scope: blocked } });
    expect((await readBackoffs(db))[free]).toEqual(before[free]);
  });

  test("comes back when the later of both may try", async () => {
    await insertBackoff(db, { scope: "transport", nextAt: secondsFromNow(30) });
    await insertBackoff(db, { scope: "domain:example.com", nextAt: secondsFromNow(90) });
    expect(await takeDeliveryPlace(db, both)).toMatchObject({ backoff: { scope: "domain:example.com" } });
  });
});

test("a turn that is given back is free at once", async () => {
  await insertBackoff(db, { scope: "transport" });
  const first = await takeDeliveryPlace(db, both);
  if (first.kind !== "taken") throw new Error("the first is taken");
  await giveBackDeliveryPlace(db, first);
  expect(await takeDeliveryPlace(db, both)).toEqual(first);
  expect(await takeDeliveryPlace(db, both)).toMatchObject({ kind: "backed_off" });
});
