import type { Refused } from "./transport.ts";

/** Whose trouble a refusal is; that decides what becomes of the email, of its address, and of the emails after it. */
export type RefusalClass =
  /** The server refuses us as a client: no email would fare better. */
  | "client"
  /** The server, or one behind it, refuses what we are as a sender (5.7.x): policy, reputation, authentication of mail. */
  | "sender"
  /** The address is not one (5.1.x): a hard bounce. */
  | "address"
  /** The mailbox is full: it may have room later. */
  | "mailbox_full"
  /** Everything we send goes too fast for our own mail server. */
  | "throttled"
  /** This email's receiving side asks us to go slower. */
  | "slow_down"
  /** Come back later (4yz), for a reason of its own. */
  | "transient"
  /** This message is refused for good, and nothing is known about its address. */
  | "permanent";

/**
 * Reads a refusal by the theory of reply codes (RFC 5321 section 4.2.1: 4yz may pass, 5yz does not) and by the enhanced
 * code (RFC 3463: the second number is the subject, 1 address, 2 mailbox, 7 policy). The enhanced code goes first where
 * there is one, because servers agree far better on those than on the three digits.
 */
export function classifyRefusal(reply: Refused): RefusalClass {
  if (reply.phase === "connect" || refusesLogin(reply)) return "client";
  if (isMailboxFull(reply)) return "mailbox_full";
  return reply.permanent ? classifyPermanent(reply) : classifyTransient(reply);
}

// RFC 4954 section 6: authentication is required (530), its mechanism is too weak (534), needs encryption (538), or its
// credentials are wrong (535). Servers say so at MAIL FROM when we did not log in at all.
const loginCodes: ReadonlySet<number> = new Set([530, 534, 535, 538]);

function refusesLogin({ code }: Refused): boolean {
  return loginCodes.has(code);
}

/**
 * X.2.2. A bare 552 at RCPT TO is the same by RFC 5321 section 4.2.3 ("exceeded storage allocation"); after the body it
 * is rather the message that is too large, and at MAIL FROM it can be nothing else.
 */
function isMailboxFull({ code, enhancedCode, phase, refusesSender = false }: Refused): boolean {
  if (enhancedCode !== undefined) return /^[45]\.2\.2$/.test(enhancedCode);
  return code === 552 && phase === "envelope" && !refusesSender;
}

/**
 * Subject 1 is "address", but X.1.7 and X.1.8 are about the sender's. Subject 7 is "security or policy", but a few details
 * say that this one recipient takes mail from certain people only, which says nothing about other emails of ours.
 */
function classifyPermanent({ code, enhancedCode, refusesSender = false }: Refused): RefusalClass {
  if (enhancedCode !== undefined && aboutOneRecipient.has(enhancedCode)) return "permanent";
  if (/^5\.7\./.test(enhancedCode ?? "") || enhancedCode === "5.1.7" || enhancedCode === "5.1.8") return "sender";
  // Before the recipient is named, only the sender can be meant; or the size that was announced (5.3.4).
  if (refusesSender) return code === 552 || enhancedCode === "5.3.4" ? "permanent" : "sender";
  return /^5\.1\./.test(enhancedCode ?? "") ? "address" : "permanent";
}

// 5.7.2 (RFC 3463): not authorized to send to that mailing list. The others are Exchange's: the recipient's own list of
// allowed senders (124), or a group, mailbox, folder or user that takes mail only from people of its organisation.
const aboutOneRecipient: ReadonlySet<string> = new Set([
  "5.7.2",
  "5.7.124",
  "5.7.133",
  "5.7.134",
  "5.7.135",
  "5.7.136",
]);

/**
 * 421 means that the server closes the channel (RFC 5321 section 3.8), which servers do to who is too fast; 4.7.x is
 * policy, among receivers the word for rate limits. Greylisting (RFC 6647) has the same codes, but is about one pair of
 * sender and recipient: it passes for each email after the same time, and going slower would only make it last. Nor is an
 * email to blame that met its connection in the moment in which the server gave up waiting for one.
 */
function classifyTransient({ code, enhancedCode, response }: Refused): RefusalClass {
  if (/gr[ea]y-?list/i.test(response)) return "transient";
  if (code === 421 && (enhancedCode === "4.4.2" || /time(d )?[- ]?out/i.test(response))) return "transient";
  // Amazon SES, for the sending rate and the daily quota of the account: "454 Throttling failure: …".
  if (code === 454 && /throttl/i.test(response)) return "throttled";
  return code === 421 || enhancedCode?.startsWith("4.7.") === true ? "slow_down" : "transient";
}
