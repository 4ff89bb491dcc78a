import type { SequenceStatus } from "@dripline/domain/statuses";
import type { Queryable } from "./database.ts";

const statusesBefore = {
  paused: ["active"],
  active: ["paused", "archived"],
  archived: ["active", "paused"],
} as const satisfies Record<SequenceStatus, readonly SequenceStatus[]>;

/**
 * active → paused, paused/archived → active, active/paused → archived; the revision goes up. None of the sequences'
 * people moves here. Answers which moved; the others are not in a state that leads there. They are locked in the order of
 * their ids first, so that two calls with some of the same wait for each other and do not deadlock.
 *
 * `paused_at` is set anew when a sequence is paused and when it goes on, by the database's clock. One that goes on keeps
 * it until everything that waited has its timer again: a sweep goes by it, and takes it away (`settleResumed`).
 */
export async function changeSequenceStatus(
  db: Queryable,
  sequenceIds: readonly string[],
  to: SequenceStatus,
): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>({
    name: "change-sequence-status",
    text: `
      with chosen as materialized (
        select s.id from email_sequence s where s.id = any($1) order by s.id for no key update of s
      )
      update email_sequence s
      set status = $2, revision = s.revision + 1, updated_at = now(),
          paused_at = case when $2 in ('paused', 'active') then clock_timestamp() end
      from chosen where s.id = chosen.id and s.status = any($3)
      returning s.id`,
    values: [sequenceIds, to, statusesBefore[to]],
  });
  return rows.map((row) => row.id);
}

// Whatever began before a pause or a resume was committed, and read the state of before, has ended after this: the
// transaction of a resume takes minutes at most (its statements are cut off after five), a record's half a minute.
const stragglersGone = "s.paused_at < clock_timestamp() - interval '15 minutes'";

// What slips into a pause only loses the time until it fires and is held then, so it is looked for less long.
const justPaused = "s.paused_at > clock_timestamp() - interval '2 minutes'";

/** Sequences that go on again, and in which something may still wait for their pause. */
export function findResumedSequences(db: Queryable): Promise<string[]> {
  return sequenceIds(db, "s.status = 'active' and s.paused_at is not null");
}

/** Sequences that were paused so recently that something may have been scheduled in spite of it. */
export function findJustPausedSequences(db: Queryable): Promise<string[]> {
  return sequenceIds(db, `s.status = 'paused' and ${justPaused}`);
}

async function sequenceIds(db: Queryable, where: string): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(`select s.id from email_sequence s where ${where} order by s.id`);
  return rows.map((row) => row.id);
}

/** The pause of this sequence is history: nothing waits for it any more. No-op for minutes after the resume. */
export async function settleResumed(db: Queryable, sequenceId: string): Promise<void> {
  await db.query(
    `update email_sequence s set paused_at = null where s.id = $1 and s.status = 'active' and ${stragglersGone}`,
    [sequenceId],
  );
}
