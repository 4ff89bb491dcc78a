/** What came of one attempt to hand a message to the sink. */
export type SinkOutcome =
  /** Logged durably before the "250", which was sent. */
  | "accepted"
  /** Logged durably; the connection was dropped in place of the "250". */
  | "accepted_silently"
  | "refused_at_recipient"
  | "dropped_at_recipient"
  | "bad_recipient"
  | "dropped_in_data"
  /** The client's side ended in the middle of the message. */
  | "cut_in_data"
  | "refused_after_data";

/** One line of the sink's log. */
export interface SinkEntry {
  /** Milliseconds since 1970 by the clock of this machine, which is PostgreSQL's as well: when the last byte was there. */
  readonly at: number;
  readonly outcome: SinkOutcome;
  readonly recipient: string;
  /** With its angle brackets; null if none was read. */
  readonly messageId: string | null;
  /** Of the whole message; null if it did not come whole. */
  readonly sha256: string | null;
  readonly bytes: number;
  readonly subject: string | null;
  readonly unsubscribeUrl: string | null;
}

/** Whether the sink took responsibility for the message: somebody has got it. */
export function isAccepted({ outcome }: Pick<SinkEntry, "outcome">): boolean {
  return outcome === "accepted" || outcome === "accepted_silently";
}
