import type { Queryable } from "./database.ts";

/**
 * The first of `days` (dates in order) that fewer than `max` were sent on to, and one more is from now on: 100,000
 * people over a limit of 1,000 are told a hundred dates, not all of them tomorrow. Only a suggestion: on the date itself
 * the places decide. If every date is taken, the last one.
 */
export async function bookSendDay(db: Queryable, scope: string, days: readonly string[], max: number): Promise<string> {
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
    if (found === undefined) return days.at(-1) ?? "";
    // Otherwise others filled the date while we waited for its row; that they did brings the end of the list nearer.
    if (found.is_booked) return found.day;
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
