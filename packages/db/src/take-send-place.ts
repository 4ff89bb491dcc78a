import type { Schedule } from "@dripline/domain/schedule";
import { type EmailLimits, type OverLimit, RATE_WAIT_MAX_MILLISECONDS } from "@dripline/domain/throttle";
import { bookSendDay, suggestSlot } from "./book-later-place.ts";
import { type Database, inTransaction, type Queryable } from "./database.ts";
import { senderScope, sequenceScope } from "./send-scopes.ts";

export interface PlaceRequest {
  readonly executionId: string;
  readonly sequenceId: string;
  readonly contactId: string;
  /** The sender's address. */
  readonly sender: string;
  readonly schedule: Schedule;
  readonly limits: EmailLimits;
}

/** What one email took of the limits it keeps to; {@link giveBackPlace} takes it. */
export interface SendPlace {
  readonly kind: "taken";
  readonly quotas: readonly { readonly scope: string; readonly day: string }[];
  readonly gap: { readonly contactId: string; readonly executionId: string; readonly until: Date } | null;
  /** How long to wait for the slot of the rate. At most a second. */
  readonly waitMilliseconds: number;
}

export type PlaceAnswer = SendPlace | { readonly kind: "over_limit"; readonly over: OverLimit };

/**
 * Takes a place under every limit, or under none: gap, sequence's day, sender's day and rate in one transaction, by the
 * database's clock, always in this order, so that workers wait for each other but never in a circle. The contact comes
 * first because nobody else waits for that row, the rate last because everybody does. One email at a time: a list would
 * keep the rows that all workers share locked for as long as its longest.
 *
 * Over a limit the answer says when to come back: a date or slot that was suggested to nobody else while there is one.
 * A crash after this and before the email is a place of that day lost, never one too many.
 */
export async function takeSendPlace(db: Database, request: PlaceRequest): Promise<PlaceAnswer> {
  try {
    // The gap alone is one statement, and after an outage every email is overdue: no transaction for that. Without any
    // limit there is none at all.
    return keepsGapAtMost(request.limits)
      ? await takeAll(db, request)
      : await inTransaction(db, (tx) => takeFast(tx, request));
  } catch (error) {
    if (!(error instanceof NoPlace)) throw error;
    return { kind: "over_limit", over: await error.comeBack(db) };
  }
}

/** Thrown so that the transaction gives back what it took before; never leaves this file. */
class NoPlace extends Error {
  readonly comeBack: (db: Queryable) => Promise<OverLimit>;

  constructor(comeBack: (db: Queryable) => Promise<OverLimit>) {
    super("over a limit");
    this.comeBack = comeBack;
  }
}

function keepsGapAtMost({ sequencePerDayMax, senderPerDayMax, perSecondMax }: EmailLimits): boolean {
  return sequencePerDayMax === null && senderPerDayMax === null && perSecondMax === null;
}

/**
 * All workers queue for the same rows, so the commit does not wait for the disk. Nothing is risked: an email leaves only
 * after its claim was committed, and that commit writes everything before it, this one included.
 */
async function takeFast(tx: Queryable, request: PlaceRequest): Promise<SendPlace> {
  await tx.query("set local synchronous_commit = off");
  return takeAll(tx, request);
}

async function takeAll(
  db: Queryable,
  { executionId, sequenceId, contactId, sender, schedule, limits }: PlaceRequest,
): Promise<SendPlace> {
  const { day, gap, sequencePerDayMax, senderPerDayMax, perSecondMax } = limits;
  const quotas = [
    { reason: "sequence_daily_limit", scope: sequenceScope(sequenceId), max: sequencePerDayMax },
    { reason: "sender_daily_limit", scope: senderScope(sender), max: senderPerDayMax },
  ] as const;

  const until = gap === null ? null : await takeGap(db, { contactId, executionId }, gap);
  const taken: { scope: string; day: string }[] = [];
  for (const { reason, scope, max } of quotas) {
    if (max === null) continue;
    if (!(await takeQuota(db, scope, day, max))) {
      throw new NoPlace(async (later) => {
        const nextDay = await bookSendDay(later, { scope, schedule, after: day, max });
        return { reason, max, day, nextDay };
      });
    }
    taken.push({ scope, day });
  }
  return {
    kind: "taken",
    quotas: taken,
    gap: until && { contactId, executionId, until },
    waitMilliseconds: perSecondMax === null ? 0 : await takeSlot(db, perSecondMax),
  };
}

/**
 * One email's own gap does not keep it waiting: a second wake-up of the same execution, or the next try after a worker
 * that died, begins it anew.
 */
async function takeGap(
  db: Queryable,
  { contactId, executionId }: { readonly contactId: string; readonly executionId: string },
  gap: NonNullable<EmailLimits["gap"]>,
): Promise<Date> {
  const { rows } = await db.query<{ until: Date }>({
    name: "take-contact-gap",
    text: `update contact
           set email_gap_until = clock_timestamp() + make_interval(secs => $2), email_gap_execution_id = $3
           where id = $1
             and (email_gap_until is null or email_gap_until <= clock_timestamp() or email_gap_execution_id = $3)
           returning email_gap_until as until`,
    values: [contactId, gap.milliseconds / 1_000, executionId],
  });
  if (rows[0] !== undefined) return rows[0].until;
  throw new NoPlace(async (later) => ({ reason: gap.reason, until: await readGap(later, contactId) }));
}

async function readGap(db: Queryable, contactId: string): Promise<Date> {
  const { rows } = await db.query<{ until: Date }>({
    name: "read-contact-gap",
    text: "select coalesce(email_gap_until, clock_timestamp()) as until from contact where id = $1",
    values: [contactId],
  });
  return rows[0]?.until ?? new Date(0); // the contact is gone: the next look at the facts says so
}

async function takeQuota(db: Queryable, scope: string, day: string, max: number): Promise<boolean> {
  const { rowCount } = await db.query({
    name: "take-send-quota",
    text: `insert into send_quota as q (scope, day, used) values ($1, $2, 1)
           on conflict (scope, day) do update set used = q.used + 1 where q.used < $3`,
    values: [scope, day, max],
  });
  return rowCount === 1;
}

/** The next free slot, if it is near: how long until then. Slots are one `1/perSecond` apart, whoever takes them. */
async function takeSlot(db: Queryable, perSecond: number): Promise<number> {
  const { rows } = await db.query<{ wait: number }>({
    name: "take-send-slot",
    text: `insert into send_rate as r (scope, next_at, suggested_at)
           values ('all', clock_timestamp() + make_interval(secs => $1), clock_timestamp())
           on conflict (scope) do update set next_at = greatest(r.next_at, clock_timestamp()) + make_interval(secs => $1)
           where r.next_at <= clock_timestamp() + make_interval(secs => $2)
           returning greatest(extract(epoch from r.next_at - clock_timestamp()) - $1, 0)::float8 * 1000 as wait`,
    values: [1 / perSecond, RATE_WAIT_MAX_MILLISECONDS / 1_000],
  });
  if (rows[0] !== undefined) return rows[0].wait;
  throw new NoPlace(async (later) => ({
    reason: "send_rate",
    perSecond,
    nextAt: await suggestSlot(later, perSecond),
  }));
}
