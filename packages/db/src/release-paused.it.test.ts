import type { ResumePlan } from "@dripline/domain/plan-resume";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { waitFor } from "@dripline/testkit/wait-for";
import { describe, expect, test } from "vitest";
import { inTransaction } from "./database.ts";
import { findPausedWaits, loadSchedules } from "./find-paused-waits.ts";
import { loadFacts } from "./load-facts.ts";
import { pauseEnrollments } from "./pause-enrollments.ts";
import { relabelPaused, releasePaused } from "./release-paused.ts";
import {
  insertExecution,
  isSomebodyWaiting,
  type MadeExecution,
  readEvents,
  readExecution,
  statusesOtherThan,
} from "./testing/executions.ts";

const { pool: db } = await freshDatabase();
const heldAt = new Date("2026-03-01T08:00:00Z");
const now = new Date("2026-03-02T08:00:00Z");
const dueAt = new Date("2026-03-04T08:00:00Z");
const by = { now, actor: "api_key:ann" };
const zone = { zone: "Asia/Bangkok", source: "contact" } as const;
const plan: ResumePlan = {
  kind: "scheduled",
  countsFrom: new Date("2026-03-02T07:00:00Z"),
  dueAt: new Date("2026-03-05T08:00:00Z"),
  catchesUp: false,
  scheduledFor: new Date("2026-03-05T09:00:00Z"),
};

interface Making {
  readonly values?: Parameters<typeof insertExecution>[3];
  readonly enrollment?: Parameters<typeof insertExecution>[4];
  readonly sequence?: Parameters<typeof makeSequence>[1];
}

async function makeHeld({ values = {}, enrollment = {}, sequence = {} }: Making = {}): Promise<MadeExecution> {
  const [made, contact] = [await makeSequence(db, sequence), await makeContact(db)];
  const held = { status: "pending", holdReason: "sequence_paused", errorMessage: "The sequence is paused." } as const;
  const times = { heldAt, dueAt, scheduledFor: dueAt };
  return insertExecution(
    db,
    made,
    contact.id,
    { ...held, ...times, generation: 3, rescuedAt: heldAt, ...values },
    enrollment,
  );
}

function released({ executionId, enrollmentId, sequence }: MadeExecution, values: { plan?: ResumePlan } = {}) {
  const wait = {
    executionId,
    enrollmentId,
    sequenceId: sequence.id,
    generation: 3,
    stepKey: sequence.stepIds[0] ?? "",
    attemptCount: 0,
    heldAt,
    countsFrom: heldAt,
    dueAt,
    scheduledFor: dueAt,
    zones: { contact: null, company: null },
  };
  return { wait, plan, zone, ...values };
}

/** Releases `refused` between two that are fine: the answer names those two, and `refused` stays as it was, silently. */
async function expectOnlyOthersAreReleased(refused: MadeExecution): Promise<void> {
  const [first, last] = [await makeHeld(), await makeHeld()];
  const before = await readExecution(db, refused.executionId);

  const moved = await releasePaused(db, [released(first), released(refused), released(last)], by);

  expect(moved.map((row) => row.executionId).toSorted()).toEqual([first.executionId, last.executionId].toSorted());
  expect(await readExecution(db, refused.executionId)).toEqual(before);
  expect(await readEvents(db, refused.executionId)).toEqual([]);
}

describe("releasing", () => {
  test("gives a row its new times, a timer of a new generation, and a sentence with the old time and the new one", async () => {
    const held = await makeHeld();
    const before = await readExecution(db, held.executionId);

    expect(await releasePaused(db, [released(held)], by)).toEqual([
      { executionId: held.executionId, generation: 4, scheduledFor: plan.kind === "scheduled" && plan.scheduledFor },
    ]);

    const { kind: _, ...times } = plan;
    expect(await readExecution(db, held.executionId)).toEqual({
      ...before,
      ...times,
      status: "scheduled",
      holdReason: null,
      heldAt: null,
      errorMessage: null,
      rescuedAt: null,
      generation: 4,
      timezone: "Asia/Bangkok",
      timezoneSource: "contact",
      updatedAt: expect.any(Date),
    });
    expect(await readEvents(db, held.executionId)).toEqual([
      {
        at: now,
        kind: "resumed",
        reason: "pause_over",
        message:
          "The pause is over: planned for 2026-03-05T09:00:00.000Z, before the pause for 2026-03-04T08:00:00.000Z.",
        actor: "api_key:ann",
      },
    ]);
  });

  test.each([
    [true, false, true],
    [false, true, true],
    [false, false, false],
  ])("marks who catches up (%s), and keeps the mark that it finds (%s)", async (catchesUp, before, after) => {
    const held = await makeHeld({ values: { catchesUp: before } });
    await releasePaused(db, [released(held, { plan: { ...plan, catchesUp } })], by);
    expect(await readExecution(db, held.executionId)).toMatchObject({ catchesUp: after });
    expect(await loadFacts(db, [held.executionId])).toMatchObject([{ execution: { catchesUp: after } }]);
  });

  test("leaves a row without a window waiting for another reason, with its clock moved up to now", async () => {
    const held = await makeHeld();
    const never: ResumePlan = {
      kind: "held",
      reason: "window_never_opens",
      message: "The schedule has no window in the next 400 days.",
      countsFrom: plan.countsFrom,
      dueAt: plan.dueAt,
      catchesUp: false,
    };

    expect(await releasePaused(db, [released(held, { plan: never })], by)).toEqual([]);

    expect(await readExecution(db, held.executionId)).toMatchObject({
      status: "pending",
      holdReason: "window_never_opens",
      heldAt: now,
      dueAt: plan.dueAt,
      scheduledFor: dueAt,
      generation: 4,
    });
    expect(await readEvents(db, held.executionId)).toMatchObject([{ kind: "held", reason: "window_never_opens" }]);
  });

  test("twice at once releases once", async () => {
    const held = await Promise.all(Array.from({ length: 20 }, () => makeHeld()));
    const all = held.map((one) => released(one));

    const both = await Promise.all([releasePaused(db, all, by), releasePaused(db, all.toReversed(), by)]);

    expect(both.flat()).toHaveLength(20);
    for (const { executionId } of held) {
      expect(await readExecution(db, executionId)).toMatchObject({ generation: 4 });
      expect(await readEvents(db, executionId)).toHaveLength(1);
    }
  });
});

describe("not released is", () => {
  test.each(statusesOtherThan("pending"))("an execution that is %s", async (status) => {
    await expectOnlyOthersAreReleased(await makeHeld({ values: { status, holdReason: null, heldAt: null } }));
  });

  test("one that is held for another reason than a pause", async () => {
    await expectOnlyOthersAreReleased(await makeHeld({ values: { holdReason: "too_late" } }));
  });

  test("one of another generation than was planned from", async () => {
    await expectOnlyOthersAreReleased(await makeHeld({ values: { generation: 4 } }));
  });

  test.each(["paused", "archived"] as const)("one of a sequence that is %s again", async (status) => {
    await expectOnlyOthersAreReleased(await makeHeld({ sequence: { status } }));
  });

  test.each(["paused", "completed", "unsubscribed", "cancelled"] as const)(
    "one of an enrollment that is %s",
    async (status) => {
      await expectOnlyOthersAreReleased(await makeHeld({ enrollment: { status } }));
    },
  );

  test("one whose enrollment is paused again at the same moment: the later pause finds what was released", async () => {
    const held = await makeHeld();
    const other = await db.connect();
    try {
      await other.query("begin");
      await releasePaused(other, [released(held)], by);
      const enrollmentIds = [held.enrollmentId];
      const pausing = inTransaction(db, (tx) =>
        pauseEnrollments(tx, { enrollmentIds, resumeAt: null, note: "", ...by }),
      );
      await waitFor(() => isSomebodyWaiting(db), {
        timeoutMilliseconds: 10_000,
        describe: "the pause to wait for the release",
      });
      await other.query("commit");
      await pausing;
    } finally {
      other.release();
    }

    expect(await readExecution(db, held.executionId)).toMatchObject({
      status: "pending",
      holdReason: "enrollment_paused",
      generation: 4,
    });
  });
});

describe("what waits for a pause that is over", () => {
  test("is found by its sequence and by its enrollment, with what its plan needs", async () => {
    const held = await makeHeld({ values: { attemptCount: 2 } });
    const other = await makeHeld();
    const wait = {
      ...released(held).wait,
      attemptCount: 2,
      countsFrom: (await readExecution(db, held.executionId)).countsFrom,
    };

    expect(await findPausedWaits(db, { sequenceIds: [held.sequence.id] }, 10)).toEqual([wait]);
    expect(await findPausedWaits(db, { enrollmentIds: [held.enrollmentId] }, 10)).toEqual([wait]);
    expect(await findPausedWaits(db, { enrollmentIds: [held.enrollmentId, other.enrollmentId] }, 1)).toHaveLength(1);
    expect((await loadSchedules(db, [held.sequence.id])).get(held.sequence.id)).toMatchObject({ timezone: "UTC" });
  });

  test.each<[string, Making]>([
    ["its sequence is paused", { sequence: { status: "paused" } }],
    ["its enrollment is paused", { enrollment: { status: "paused" } }],
    ["its enrollment has ended", { enrollment: { status: "cancelled" } }],
    ["it is held for another reason", { values: { holdReason: "window_never_opens" } }],
    ["it is scheduled", { values: { status: "scheduled", holdReason: null } }],
  ])("is not found while %s", async (_, making) => {
    const held = await makeHeld(making);

    expect(await findPausedWaits(db, { sequenceIds: [held.sequence.id] }, 10)).toEqual([]);
    expect(await findPausedWaits(db, { enrollmentIds: [held.enrollmentId] }, 10)).toEqual([]);
  });
});

describe("of two pauses", () => {
  test.each([
    ["sequence_paused", "active", "paused", "enrollment_paused"],
    ["enrollment_paused", "paused", "active", "sequence_paused"],
  ] as const)(
    "the one that is left takes over from %s, and the clock stays where it stopped",
    async (from, sequence, enrollment, to) => {
      const held = await makeHeld({
        values: { holdReason: from },
        sequence: { status: sequence },
        enrollment: { status: enrollment },
      });

      expect(await relabelPaused(db, { enrollmentIds: [held.enrollmentId] }, by)).toBe(1);
      expect(await relabelPaused(db, { sequenceIds: [held.sequence.id] }, by)).toBe(0);

      expect(await readExecution(db, held.executionId)).toMatchObject({ holdReason: to, heldAt, dueAt, generation: 3 });
      expect(await readEvents(db, held.executionId)).toMatchObject([{ kind: "held", reason: to }]);
    },
  );

  test.each([
    ["sequence_paused", "paused", "paused"],
    ["enrollment_paused", "paused", "paused"],
    ["sequence_paused", "active", "active"],
    ["too_late", "active", "paused"],
  ] as const)(
    "nothing takes over from %s where the sequence is %s and the enrollment %s",
    async (holdReason, sequence, enrollment) => {
      const held = await makeHeld({
        values: { holdReason },
        sequence: { status: sequence },
        enrollment: { status: enrollment },
      });

      expect(await relabelPaused(db, { sequenceIds: [held.sequence.id] }, by)).toBe(0);
      expect(await readEvents(db, held.executionId)).toEqual([]);
    },
  );
});
