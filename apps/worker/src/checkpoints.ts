/**
 * The moments of one email's way at which a worker's death leaves something different behind, in their order. What each
 * leaves is listed in docs/reliability.md, and shown by killing a worker at each of them.
 */
export const checkpoints = [
  /** A wake-up arrived; nothing was read. */
  "woken",
  /** The facts are read, the message is composed; nothing is claimed. */
  "composed",
  /** A place under the limits is taken; nothing is claimed. */
  "place_taken",
  /** The claim is committed; the mail server knows nothing. */
  "claimed",
  /** The server said "354"; the row is not marked yet. */
  "asked",
  /** The mark is committed; no body byte has left. */
  "marked",
  /** The server's final reply, or that there is none, is known here and nowhere else. */
  "replied",
  /** The record is committed; the next timer is not set. */
  "recorded",
  /** The next timer is set; the queue does not know yet that this wake-up is over. */
  "next_woken",
  /** A decision other than "deliver" is committed; the wake-up is not put back yet. */
  "decided",
  /** A sweep found leases that ran out; nothing is settled. */
  "leases_found",
  /** The sweep has let go what was only claimed; what was in data is not settled. */
  "leases_released",
] as const;
export type Checkpoint = (typeof checkpoints)[number];

/** Told when a checkpoint is passed. Production has none; tests freeze or kill the process there. */
export type OnCheckpoint = (checkpoint: Checkpoint, executionId: string) => void;
