import type { EmailLimits, ThrottleState } from "@dripline/domain/throttle";
import type { Queryable } from "../database.ts";
import { senderScope, sequenceScope } from "../send-scopes.ts";

export interface ThrottleQuestion {
  readonly executionId: string;
  readonly sequenceId: string;
  readonly contactId: string;
  /** The sender's address. Null: not known here, and its limit is left out. */
  readonly sender: string | null;
  readonly limits: EmailLimits;
}

/** How full every limit of one email is, without taking a place: the answer may be old as soon as it is read. */
export async function readThrottleState(db: Queryable, question: ThrottleQuestion): Promise<ThrottleState> {
  const { day, sequencePerDayMax, senderPerDayMax, gap, perSecondMax } = question.limits;
  const { rows } = await db.query<{
    sequence_used: number;
    sender_used: number;
    gap_until: Date | null;
    next_at: Date;
  }>({
    name: "read-throttle-state",
    text: `
      select coalesce((select used from send_quota where scope = $1 and day = $3), 0) as sequence_used,
             coalesce((select used from send_quota where scope = $2 and day = $3), 0) as sender_used,
             (select email_gap_until from contact where id = $4 and email_gap_until > clock_timestamp()
                and email_gap_execution_id is distinct from $5) as gap_until,
             coalesce((select greatest(next_at, clock_timestamp()) from send_rate where scope = 'all'), clock_timestamp()) as next_at`,
    values: [
      sequenceScope(question.sequenceId),
      senderScope(question.sender ?? ""),
      day,
      question.contactId,
      question.executionId,
    ],
  });
  const row = rows[0];
  if (row === undefined) throw new Error("readThrottleState: a select without a table has one row");
  return {
    sequenceDay: sequencePerDayMax === null ? null : { used: row.sequence_used, max: sequencePerDayMax, day },
    senderDay:
      senderPerDayMax === null || question.sender === null
        ? null
        : { used: row.sender_used, max: senderPerDayMax, day },
    contactGapUntil: gap === null ? null : row.gap_until,
    rate: perSecondMax === null ? null : { perSecond: perSecondMax, nextAt: row.next_at },
  };
}
