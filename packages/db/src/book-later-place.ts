import type { Schedule } from "@dripline/domain/schedule";
import { followingDays } from "@dripline/domain/throttle";
import type { Queryable } from "./database.ts";

/** So many open days are offered. Further ahead nobody waits: the limit may be raised, others may leave. */
const daysAhead = 7;

/**
 * The first of the next seven days on which the schedule opens and to which fewer than `max` were sent on; one more is
 * from now on. So 1,000 people over a limit of 200 are told five dates, not all of them tomorrow. When all seven are
 * full it is the last of them all the same: whoever finds no place then is sent on anew. Only a suggestion: on the date
 * itself the places decide.
 */
export async function bookSendDay(
  db: Queryable,
  {
    scope,
    schedule,
    after,
    max,
  }: { readonly scope: string; readonly schedule: Schedule; readonly after: string; readonly max: number },
): Promise<string> {
  const days = followingDays(schedule, after, daysAhead);
  return (await bookOneOf(db, scope, days, max)) ?? days.at(-1) ?? after;
}

async function bookOneOf(
  db: Queryable,
  scope: string,
  days: readonly string[],
  max: number,
): Promise<string | undefined> {
  for (;;) {
    const { rows } = await db.query<{ day: string; is_booked: boolean }>({
      name: "book-send-day",
      text: `
        with room as (
          select w.day from unnest($2::date[]) as w(day)
          where not exists (select from send_quota q where q.scope = $1 and q.day = w.day and q.booked >= $3)
          order by w.day limit 1
        ),
        booked as (
          insert into send_quota as q (scope, day, booked) select $1, day, 1 from room
          on conflict (scope, day) do update set booked = q.booked + 1 where q.booked < $3
          returning q.day
        )
        select room.day::text, exists (select from booked) as is_booked from room`,
      values: [scope, days, max],
    });
    const found = rows[0];
    // If others filled the date while we waited for its row, the next look finds it full.
    if (found === undefined || found.is_booked) return found?.day;
  }
}

/** A slot to come back for, one `1/perSecond` after the one suggested before. Not reserved: those who come in time go first. */
export async function suggestSlot(db: Queryable, perSecond: number): Promise<Date> {
  const { rows } = await db.query<{ at: Date }>({
    name: "suggest-send-slot",
    text: `update send_rate
           set suggested_at = greatest(suggested_at, next_at, clock_timestamp()) + make_interval(secs => $1)
           where scope = 'all'
           returning suggested_at - make_interval(secs => $1) as at`,
    values: [1 / perSecond],
  });
  if (rows[0] === undefined) throw new Error("suggestSlot: the row of the rate is gone; it is never deleted");
  return rows[0].at;
}
