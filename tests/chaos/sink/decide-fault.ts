import { fractionOf } from "../random.ts";

/** How often the sink misbehaves, as shares of the attempts, and how late it answers. */
export interface SinkFaults {
  readonly refuseRecipient: number;
  readonly dropAtRecipient: number;
  readonly dropInData: number;
  readonly refuseData: number;
  /** The message is accepted, and the "250" is never sent. */
  readonly swallowReply: number;
  readonly replyMillisecondsMax: number;
}

export const issueFaults: SinkFaults = {
  refuseRecipient: 0.03,
  dropAtRecipient: 0.02,
  dropInData: 0.01,
  refuseData: 0.02,
  swallowReply: 0.01,
  replyMillisecondsMax: 20,
};

export const noFaults: SinkFaults = {
  refuseRecipient: 0,
  dropAtRecipient: 0,
  dropInData: 0,
  refuseData: 0,
  swallowReply: 0,
  replyMillisecondsMax: 20,
};

export type RecipientFate = "take" | "refuse" | "drop";
export type DataFate = "accept" | "drop_in_data" | "refuse" | "swallow_reply";

/** What becomes of the `attempt`th RCPT for this address. It is all that is known of the message then. */
export function recipientFate(faults: SinkFaults, seed: number, recipient: string, attempt: number): RecipientFate {
  const share = fractionOf(seed, "rcpt", recipient, attempt);
  if (share < faults.refuseRecipient) return "refuse";
  return share < faults.refuseRecipient + faults.dropAtRecipient ? "drop" : "take";
}

/**
 * What becomes of the `attempt`th DATA for this address. Counted by address and not by Message-ID, whose digits come from
 * random ids: so the same seed meets the same faults in every run.
 */
export function dataFate(faults: SinkFaults, seed: number, recipient: string, attempt: number): DataFate {
  const share = fractionOf(seed, "data", recipient, attempt);
  if (share < faults.dropInData) return "drop_in_data";
  if (share < faults.dropInData + faults.refuseData) return "refuse";
  return share < faults.dropInData + faults.refuseData + faults.swallowReply ? "swallow_reply" : "accept";
}

export function replyMilliseconds(faults: SinkFaults, seed: number, recipient: string, attempt: number): number {
  return fractionOf(seed, "late", recipient, attempt) * faults.replyMillisecondsMax;
}
