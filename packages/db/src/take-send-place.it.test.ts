import { ALWAYS_OPEN, BUSINESS_HOURS } from "@dripline/domain/schedule";
import type { EmailLimits } from "@dripline/domain/throttle";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { fixClock } from "@dripline/testkit/fixed-clock";
import { beforeEach, describe, expect, test } from "vitest";
import { bookSendDay } from "./book-later-place.ts";
import { openDatabase } from "./database.ts";
import { giveBackPlace } from "./give-back-place.ts";
import { newId } from "./new-id.ts";
import { pruneSendQuotas } from "./prune-send-quotas.ts";
import { readThrottleState } from "./queries/read-throttle-state.ts";
import { type PlaceAnswer, type SendPlace, takeSendPlace } from "./take-send-place.ts";
import { insertExecution } from "./testing/executions.ts";

const { url, pool } = await freshDatabase();
const start = new Date("2026-03-02T09:00:00Z");
const clock = await fixClock(url, start);
/** As many connections as takes at once, so that they meet in the database and not in the pool. */
const db = openDatabase({ url, connectionsMax: 20, applicationName: "test", onError: () => {} });

const day = "2026-03-02";
const none: EmailLimits = { day, sequencePerDayMax: null, senderPerDayMax: null, gap: null, perSecondMax: null };
const hour = { milliseconds: 3_600_000, reason: "contact_gap" } as const;
const sender = "hello@acme.example";
const someSequence = newId();
const someContact = (await makeContact(pool)).id;

beforeEach(async () => {
  await clock.jumpTo(start);
  await pool.query("delete from send_quota");
  await pool.query("delete from send_rate");
  await pool.query("update contact set email_gap_until = null");
});

function take(
  limits: Partial<EmailLimits>,
  { contactId = someContact, sequenceId = someSequence, executionId = newId() } = {},
): Promise<PlaceAnswer> {
  return takeSendPlace(db, {
    executionId,
    sequenceId,
    contactId,
    sender,
    schedule: ALWAYS_OPEN,
    limits: { ...none, ...limits },
  });
}
function taken(answers: readonly PlaceAnswer[]): SendPlace[] {
  return answers.flatMap((answer) => (answer.kind === "taken" ? [answer] : []));
}

function refusals(answers: readonly PlaceAnswer[]) {
  return answers.flatMap((answer) => (answer.kind === "over_limit" ? [answer.over] : []));
}

async function quotas(): Promise<Record<string, { used: number; booked: number }>> {
  const { rows } = await pool.query("select scope, day::text, used, booked from send_quota order by day, scope");
  return Object.fromEntries(
    rows.map((row) => [`${row.scope.split(":")[0]} ${row.day}`, { used: row.used, booked: row.booked }]),
  );
}

function secondsAfterStart(seconds: number): Date {
  return new Date(start.getTime() + seconds * 1_000);
}

async function gapUntil(contactId: string): Promise<Date | null> {
  const { rows } = await pool.query("select email_gap_until from contact where id = $1", [contactId]);
  return rows[0].email_gap_until;
}

describe("a limit of emails a day", () => {
  test("lets exactly as many through as it says, however many workers ask at once", async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => take({ sequencePerDayMax: 7 })));
    expect(taken(answers)).toHaveLength(7);
    expect(new Set(refusals(answers).map((over) => over.reason))).toEqual(new Set(["sequence_daily_limit"]));
    expect((await quotas())[`sequence ${day}`]).toMatchObject({ used: 7 });
  });

  test("of a sender counts the emails of all its sequences together", async () => {
    const sequences = [newId(), newId()];
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => take({ senderPerDayMax: 3 }, { sequenceId: sequences[i % 2] ?? "" })),
    );
    expect(taken(answers)).toHaveLength(3);
    expect(refusals(answers)[0]).toMatchObject({ reason: "sender_daily_limit", max: 3, day });
  });

  test("of one sequence leaves the others alone, and the next date begins anew", async () => {
    await take({ sequencePerDayMax: 1 });
    const answers = [
      await take({ sequencePerDayMax: 1 }, { sequenceId: newId() }),
      await take({ sequencePerDayMax: 1, day: "2026-03-03" }),
    ];
    expect(taken(answers)).toHaveLength(2);
  });

  test("sends those who found it full on to the following dates, as many to each as it lets through", async () => {
    await Promise.all(Array.from({ length: 10 }, () => take({ sequencePerDayMax: 10 })));
    const answers = await Promise.all(Array.from({ length: 25 }, () => take({ sequencePerDayMax: 10 })));
    const days = refusals(answers).map((over) => ("nextDay" in over ? over.nextDay : ""));
    const count = (wanted: string) => days.filter((one) => one === wanted).length;
    expect(["2026-03-03", "2026-03-04", "2026-03-05"].map(count)).toEqual([10, 10, 5]);
  });

  test("sends no more on to one date than it lets through, however many ask at once", async () => {
    const booking = { scope: "sequence:race", schedule: ALWAYS_OPEN, after: day, max: 3 };
    const days = await Promise.all(Array.from({ length: 21 }, () => bookSendDay(db, booking)));
    expect(new Set(days).size).toBe(7);
    for (const date of new Set(days)) expect(days.filter((one) => one === date)).toHaveLength(3);
  });

  test("sends nobody on to a date on which the schedule is closed, or further than seven dates on which it opens", async () => {
    const weekdays = { ...BUSINESS_HOURS, closedDates: ["2026-03-04"] };
    const book = () =>
      bookSendDay(db, { scope: `sequence:${someSequence}`, schedule: weekdays, after: "2026-03-02", max: 1 });
    const days = [];
    for (let i = 0; i < 9; i += 1) days.push((await book()).slice(5));
    // From Monday on, without the Wednesday that is closed and the weekend; those over the seventh come again then.
    expect(days).toEqual(["03-03", "03-05", "03-06", "03-09", "03-10", "03-11", "03-12", "03-12", "03-12"]);
  });

  test("with a backlog finds the first date that has room", async () => {
    await pool.query(
      `insert into send_quota (scope, day, booked)
       select 'sequence:' || $1, '2026-03-02'::date + i, 1 from generate_series(1, 7) as i where i <> 5`,
      [someSequence],
    );
    const booking = { scope: `sequence:${someSequence}`, schedule: ALWAYS_OPEN, after: day, max: 1 };
    expect([await bookSendDay(db, booking), await bookSendDay(db, booking)]).toEqual(["2026-03-07", "2026-03-09"]);
  });
});

describe("the gap between two emails to one contact", () => {
  test("lets one of two through that ask at once, and names the moment for the other", async () => {
    const { id: contactId } = await makeContact(pool);
    const answers = await Promise.all([take({ gap: hour }, { contactId }), take({ gap: hour }, { contactId })]);
    expect(taken(answers)).toHaveLength(1);
    expect(refusals(answers)).toEqual([{ reason: "contact_gap", until: await gapUntil(contactId) }]);
  });

  test("begins anew at the moment that was named, and is nobody else's", async () => {
    const [first, second] = [await makeContact(pool), await makeContact(pool)];
    await take({ gap: hour }, { contactId: first.id });
    expect((await take({ gap: hour }, { contactId: second.id })).kind).toBe("taken");

    await clock.jumpTo(secondsAfterStart(3_599.999));
    expect(refusals([await take({ gap: hour }, { contactId: first.id })])).toEqual([
      { reason: "contact_gap", until: secondsAfterStart(3_600) },
    ]);
    await clock.jumpTo(secondsAfterStart(3_600));
    expect((await take({ gap: hour }, { contactId: first.id })).kind).toBe("taken");
    expect(await gapUntil(first.id)).toEqual(secondsAfterStart(7_200));
  });

  test("does not keep the email waiting that began it: its next try, or a second wake-up, begins it anew", async () => {
    const own = { contactId: someContact, executionId: newId() };
    await take({ gap: hour }, own);
    await clock.jumpTo(secondsAfterStart(60));
    expect((await take({ gap: hour }, own)).kind).toBe("taken");
    expect(await gapUntil(someContact)).toEqual(secondsAfterStart(3_660));
    expect((await take({ gap: hour })).kind).toBe("over_limit");
  });

  test("is asked by nobody who keeps none: an email without a gap passes and leaves it as it is", async () => {
    const { id: contactId } = await makeContact(pool);
    await take({ gap: hour }, { contactId });
    const before = await gapUntil(contactId);
    expect((await take({ sequencePerDayMax: 5 }, { contactId })).kind).toBe("taken");
    expect(await gapUntil(contactId)).toEqual(before);
  });
});

describe("the limit of emails a second", () => {
  test("hands out slots one interval apart, none closer, up to a second ahead, however many ask at once", async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => take({ perSecondMax: 20 })));
    const waits = taken(answers).map((place) => Math.round(place.waitMilliseconds));
    expect(waits.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 21 }, (_, i) => i * 50));
    expect(new Set(refusals(answers).map((over) => over.reason))).toEqual(new Set(["send_rate"]));
  });

  test("does not save up slots that nobody took", async () => {
    await take({ perSecondMax: 1 });
    await clock.jumpTo(secondsAfterStart(600));
    const answers = [await take({ perSecondMax: 1 }), await take({ perSecondMax: 1 }), await take({ perSecondMax: 1 })];
    expect(taken(answers).map((place) => place.waitMilliseconds)).toEqual([0, 1_000]);
  });

  test("names a moment of its own to each email that would wait longer, one interval apart", async () => {
    await take({ perSecondMax: 0.5 });
    const answers = await Promise.all(Array.from({ length: 10 }, () => take({ perSecondMax: 0.5 })));
    expect(taken(answers)).toEqual([]);
    const moments = refusals(answers).map((over) => ("nextAt" in over ? over.nextAt.getTime() : 0));
    expect(moments.toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 10 }, (_, i) => secondsAfterStart(2 + 2 * i).getTime()),
    );
  });

  test("lets those who come back at their moment through, each of them", async () => {
    await take({ perSecondMax: 0.5 });
    await Promise.all(Array.from({ length: 5 }, () => take({ perSecondMax: 0.5 })));
    for (let i = 0; i < 5; i += 1) {
      await clock.jumpTo(secondsAfterStart(2 + 2 * i));
      expect(await take({ perSecondMax: 0.5 })).toMatchObject({ kind: "taken", waitMilliseconds: 0 });
    }
  });

  test("counts in less than milliseconds: thousands a second are not rounded to no limit", async () => {
    const answers = [];
    for (let i = 0; i < 4; i += 1) answers.push(await take({ perSecondMax: 3_000 }));
    expect(taken(answers).at(-1)?.waitMilliseconds).toBeCloseTo(1, 2);
  });
});

describe("all or nothing:", () => {
  test("an email refused by the last limit has taken nothing of the ones before", async () => {
    const { id: contactId } = await makeContact(pool);
    await take({ perSecondMax: 0.001 });
    const answer = await take(
      { gap: hour, sequencePerDayMax: 5, senderPerDayMax: 5, perSecondMax: 0.001 },
      { contactId },
    );
    expect(refusals([answer])).toMatchObject([{ reason: "send_rate" }]);
    expect(await quotas()).toEqual({});
    expect(await gapUntil(contactId)).toBeNull();
  });

  test("an email refused by the sender's limit gives the sequence's place back", async () => {
    await take({ senderPerDayMax: 1 });
    await take({ sequencePerDayMax: 5, senderPerDayMax: 1 });
    expect((await quotas())[`sequence ${day}`]).toBeUndefined();
  });

  test("many emails under all limits at once wait for each other and never in a circle", async () => {
    const contacts = await Promise.all(Array.from({ length: 5 }, () => makeContact(pool)));
    const limits = {
      gap: { ...hour, milliseconds: 1 },
      sequencePerDayMax: 40,
      senderPerDayMax: 30,
      perSecondMax: 10_000,
    };
    const sequences = [newId(), newId(), newId()];
    const answers = await Promise.all(
      Array.from({ length: 120 }, async (_, i) => {
        const answer = await take(limits, { contactId: contacts[i % 5]?.id ?? "", sequenceId: sequences[i % 3] ?? "" });
        if (answer.kind === "taken" && i % 2 === 0) await giveBackPlace(db, answer, null);
        return answer;
      }),
    );
    expect(taken(answers).length + refusals(answers).length).toBe(120);
    expect((await quotas())[`sender ${day}`]?.used).toBeLessThanOrEqual(30);
  });
});

describe("a place that is given back", () => {
  test("is free for the next email: quotas and gap", async () => {
    const limits = { gap: hour, sequencePerDayMax: 1, senderPerDayMax: 1 };
    const [place] = taken([await take(limits)]);
    expect((await take(limits)).kind).toBe("over_limit");
    if (place !== undefined) await giveBackPlace(db, place, null);
    expect((await quotas())[`sequence ${day}`]).toMatchObject({ used: 0 });
    expect((await take(limits)).kind).toBe("taken");
  });

  test.each([
    ["sent, whoever sent it", { status: "sent" }, 4, false],
    ["in doubt", { status: "in_doubt" }, 4, false],
    ["being sent by the worker that was faster", { status: "sending", generation: 5 }, null, false],
    ["being sent under a later claim", { status: "sending", generation: 5 }, 4, false],
    ["being sent under this claim, which came to nothing", { status: "sending", generation: 4 }, 4, true],
    ["scheduled again", { status: "scheduled" }, 4, true],
  ] as const)("keeps the contact's gap if the same email is %s", async (_, values, claimGeneration, isFree) => {
    const { id: contactId } = await makeContact(pool);
    const { executionId } = await insertExecution(pool, await makeSequence(pool), contactId, values);
    const [place] = taken([await take({ gap: hour }, { contactId, executionId })]);
    if (place !== undefined) await giveBackPlace(db, place, claimGeneration);
    expect((await gapUntil(contactId)) === null).toBe(isFree);
  });

  test("leaves a gap alone that a later email has taken since", async () => {
    const [place] = taken([await take({ gap: hour })]);
    await pool.query("update contact set email_gap_until = now() + interval '3 hours' where id = $1", [someContact]);
    const before = await gapUntil(someContact);
    if (place !== undefined) await giveBackPlace(db, place, null);
    expect(await gapUntil(someContact)).toEqual(before);
  });
});

test("what the limits say is read without taking a place", async () => {
  const limits: EmailLimits = { day, gap: hour, sequencePerDayMax: 3, senderPerDayMax: 9, perSecondMax: 0.5 };
  await take(limits);
  await take({ senderPerDayMax: 9 }, { sequenceId: newId() });
  const question = { executionId: newId(), sequenceId: someSequence, contactId: someContact, sender, limits };
  const { rows } = await pool.query("select next_at from send_rate");
  const expected = {
    sequenceDay: { used: 1, max: 3, day },
    senderDay: { used: 2, max: 9, day },
    contactGapUntil: await gapUntil(someContact),
    rate: { perSecond: 0.5, nextAt: rows[0].next_at },
  };
  expect(await readThrottleState(db, question)).toEqual(expected);
  expect(await readThrottleState(db, question)).toEqual(expected);
  expect(await readThrottleState(db, { ...question, limits: none })).toEqual({
    sequenceDay: null,
    senderDay: null,
    contactGapUntil: null,
    rate: null,
  });
});

test("counts of dates long over are pruned, and no others", async () => {
  await pool.query(
    `insert into send_quota (scope, day)
     select 'sequence:x', (now() at time zone 'UTC')::date - ago from unnest(array[0, 40, 41, 500]) as ago`,
  );
  expect(await pruneSendQuotas(db, 40)).toBe(2);
  expect(Object.keys(await quotas())).toHaveLength(2);
});
