import type { NotNow, SendFacts } from "./decide-send.ts";
import type { BackoffReason } from "./delivery-backoff.ts";
import type { Elapsed } from "./elapsed.ts";
import type { FenceReason } from "./fence.ts";
import type { EnrollmentStatus, LatePolicy, SequenceStatus } from "./statuses.ts";
import { isTimeZone, type ResolvedZone, resolveZone, type ZoneSource } from "./time-zone.ts";

/** What an email has to pass, in the order in which an operator would ask. */
export const gateNames = [
  "fence",
  "sequence",
  "enrollment",
  "consent",
  "suppression",
  "step",
  "delay",
  "lateness",
  "window",
  "holiday",
  "transport",
  "recipient_domain",
  "throttle",
  "attempts",
] as const;
export type GateName = (typeof gateNames)[number];

/** What each gate looked at. The words are those of the API: nothing computes with them. */
export interface GateData {
  /** Why nothing leaves from this database; null: it may. */
  readonly fence: { readonly reason: FenceReason | null };
  readonly sequence: { readonly status: SequenceStatus };
  readonly enrollment: { readonly status: EnrollmentStatus };
  readonly consent: { readonly opted_out_at: Date | null };
  readonly suppression: { readonly is_suppressed: boolean };
  readonly step: { readonly step_number: number; readonly is_active: boolean; readonly is_deleted: boolean };
  readonly delay: {
    /** Where the delay counts from; null where nobody asked the row. */
    readonly counts_from: Date | null;
    readonly due_at: Date;
    readonly scheduled_for: Date;
  };
  readonly lateness: {
    /** Behind its plan, nights and weekends not counted; negative before its time. */
    readonly minutes_late: number;
    readonly limit: Elapsed | null;
    readonly policy: LatePolicy;
  };
  readonly window: {
    readonly zone: string;
    readonly zone_source: ZoneSource;
    /** The moment that was looked at. */
    readonly at: Date;
    /** The same on the wall clock of the zone, "Monday 2026-11-23 09:07"; null if the zone is unknown. */
    readonly local_time: string | null;
    readonly is_open: boolean;
    /** Of the window that is open, or else of the next one; null if there is none. */
    readonly opens_at: Date | null;
    readonly closes_at: Date | null;
  };
  readonly holiday: {
    /** The local date that was looked at; null if the zone is unknown. */
    readonly date: string | null;
    readonly kind: "closed_date" | "holiday" | "special_hours" | null;
    readonly holiday_name: string | null;
  };
  readonly transport: { readonly backoff: BackoffData | null };
  readonly recipient_domain: { readonly backoff: BackoffData | null };
  readonly throttle: {
    readonly sequence_day: DayLimitData | null;
    readonly sender_day: DayLimitData | null;
    readonly contact_gap_until: Date | null;
    readonly rate: { readonly per_second: number; readonly next_at: Date } | null;
  };
  readonly attempts: { readonly used: number; readonly max: number };
}

/** Null: not slowed down. */
interface BackoffData {
  readonly reason: BackoffReason;
  readonly message: string;
  readonly since: Date;
  readonly next_at: Date;
  readonly interval_seconds: number;
}

interface DayLimitData {
  readonly used: number;
  readonly max: number;
  readonly day: string;
}

export interface Gate<N extends GateName = GateName> {
  readonly name: N;
  /** What happens instead of the email; null if it passed. */
  readonly decision: NotNow | null;
  /** For operators, whether it passed or not. Only asked by who explains: a decision has no time for prose. */
  readonly describe: () => { readonly sentence: string; readonly data: GateData[N] };
}

/** The zone in which this email's windows are read. It may be a name that this machine does not know. */
export function zoneOf({ schedule, contact, company }: SendFacts): ResolvedZone {
  return resolveZone(schedule, { contact: contact.timezone, company: company?.timezone ?? null });
}

/** The zone in which an operator reads about this email: that of its windows, or UTC if it is none. */
export function readingZone(facts: SendFacts): string {
  const { zone } = zoneOf(facts);
  return isTimeZone(zone) ? zone : "UTC";
}
