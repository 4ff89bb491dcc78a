import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { eq } from "drizzle-orm";
import { describe, expect, test } from "vitest";
import {
  changeSequenceStatus,
  findJustPausedSequences,
  findResumedSequences,
  settleResumed,
} from "./change-sequence-status.ts";
import { orm } from "./database.ts";
import { holdOfSequences } from "./hold-under-pause.ts";
import { emailSequence } from "./schema/sequences.ts";
import { insertExecution, readEvents, readExecution, statusesOtherThan } from "./testing/executions.ts";

const { pool: db } = await freshDatabase();
const now = new Date("2026-03-02T20:00:00Z");
const before = new Date("2026-03-01T20:00:00Z");

async function sequence(id: string) {
  const [row] = await orm(db).select().from(emailSequence).where(eq(emailSequence.id, id));
  if (row === undefined) throw new Error("no sequence");
  return row;
}

/** An edit in the meantime, by a process whose clock is wrong, must not count as the change of the status. */
async function minutesAgo(id: string, minutes: number): Promise<void> {
  await db.query(
    `update email_sequence set paused_at = clock_timestamp() - make_interval(mins => $2), updated_at = 'infinity' where id = $1`,
    [id, minutes],
  );
}

describe("a sequence", () => {
  test.each([
    ["active", "paused", expect.any(Date)],
    ["paused", "active", expect.any(Date)],
    ["archived", "active", expect.any(Date)],
    ["active", "archived", null],
    ["paused", "archived", null],
  ] as const)("that is %s becomes %s, and its revision goes up", async (from, to, pausedAt) => {
    const [{ id }, other] = [
      await makeSequence(db, { status: from, pausedAt: before }),
      await makeSequence(db, { status: from, pausedAt: before }),
    ];
    const untouched = await sequence(other.id);

    expect(await changeSequenceStatus(db, [id], to)).toEqual([id]);

    const changed = await sequence(id);
    expect(changed).toMatchObject({ status: to, revision: 2, pausedAt });
    // By the database's clock, in this moment: the sweeps count minutes from here.
    if (changed.pausedAt !== null) expect(changed.pausedAt.getTime()).toBeGreaterThan(before.getTime() + 3_600_000);
    expect(await sequence(other.id)).toEqual(untouched);
  });

  test.each([
    ["paused", "paused"],
    ["archived", "paused"],
    ["active", "active"],
    ["archived", "archived"],
  ] as const)("that is %s is not made %s", async (from, to) => {
    const { id } = await makeSequence(db, { status: from, pausedAt: before });
    const untouched = await sequence(id);

    expect(await changeSequenceStatus(db, [id], to)).toEqual([]);

    expect(await sequence(id)).toEqual(untouched);
  });
});

describe("what waits in a paused sequence", () => {
  const by = { now, actor: "api_key:ann" };

  async function waiting(values: Parameters<typeof insertExecution>[3] = {}, status: "active" | "paused" = "paused") {
    const [made, contact] = [await makeSequence(db, { status }), await makeContact(db)];
    return insertExecution(db, made, contact.id, { generation: 2, ...values });
  }

  test("loses its timer, and its clock stops", async () => {
    const one = await waiting();
    const scheduled = await readExecution(db, one.executionId);

    expect(await holdOfSequences(db, [one.sequence.id], by)).toBe(1);

    expect(await readExecution(db, one.executionId)).toEqual({
      ...scheduled,
      status: "pending",
      holdReason: "sequence_paused",
      heldAt: now,
      errorMessage: "The sequence is paused.",
      updatedAt: expect.any(Date),
    });
    expect(await readEvents(db, one.executionId)).toEqual([
      { at: now, kind: "held", reason: "sequence_paused", message: "The sequence is paused.", actor: "api_key:ann" },
    ]);
  });

  test.each(statusesOtherThan("scheduled"))("and is %s stays as it is", async (status) => {
    const one = await waiting({ status });
    const untouched = await readExecution(db, one.executionId);

    expect(await holdOfSequences(db, [one.sequence.id], by)).toBe(0);

    expect(await readExecution(db, one.executionId)).toEqual(untouched);
  });

  test("keeps its timer if the sequence goes on again, or is another one", async () => {
    const [active, other] = [await waiting({}, "active"), await waiting()];

    expect(await holdOfSequences(db, [active.sequence.id], by)).toBe(0);

    expect(await readExecution(db, active.executionId)).toMatchObject({ status: "scheduled" });
    expect(await readExecution(db, other.executionId)).toMatchObject({ status: "scheduled" });
  });
});

describe("the sweep looks again", () => {
  test("at a sequence that goes on, until a quarter of an hour has passed and its pause is settled", async () => {
    const { id } = await makeSequence(db, { status: "paused", pausedAt: before });
    await changeSequenceStatus(db, [id], "active");
    await minutesAgo(id, 14);

    await settleResumed(db, id);
    expect(await findResumedSequences(db)).toContain(id);

    await minutesAgo(id, 16);
    expect(await findResumedSequences(db)).toContain(id);
    await settleResumed(db, id);
    expect(await findResumedSequences(db)).not.toContain(id);
    expect(await sequence(id)).toMatchObject({ status: "active", pausedAt: null });
  });

  test("at no sequence that is still paused, and settles none", async () => {
    const { id } = await makeSequence(db, { status: "paused" });
    await minutesAgo(id, 60);

    expect(await findResumedSequences(db)).not.toContain(id);
    await settleResumed(db, id);
    expect((await sequence(id)).pausedAt).not.toBeNull();
  });

  test("at a sequence that was paused just now, not at one that is for long", async () => {
    const [recent, old] = [await makeSequence(db), await makeSequence(db)];
    await changeSequenceStatus(db, [recent.id], "paused");
    await changeSequenceStatus(db, [old.id], "paused");
    await minutesAgo(recent.id, 1);
    await minutesAgo(old.id, 3);

    const found = await findJustPausedSequences(db);
    expect(found).toContain(recent.id);
    expect(found).not.toContain(old.id);
  });
});
