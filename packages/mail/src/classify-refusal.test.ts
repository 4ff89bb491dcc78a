import { expect, test } from "vitest";
import { classifyRefusal, type RefusalClass } from "./classify-refusal.ts";
import { replyFromError } from "./smtp-reply.ts";

type Where = "connect" | "MAIL FROM" | "RCPT TO" | "body";

/** Lines as the servers of these providers write them, read by the code that reads them in production. */
const replies: [RefusalClass, Where, string, string][] = [
  ["client", "connect", "Outlook", "550 5.7.1 Service unavailable, Client host [192.0.2.1] blocked using Spamhaus."],
  ["client", "connect", "Postfix", "421 4.7.0 mx.example.com Error: too many connections from 192.0.2.1"],
  ["client", "connect", "Gmail", "421 4.7.28 Our system has detected an unusual rate of unsolicited mail."],
  ["client", "connect", "Yahoo", "553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1"],
  [
    "client",
    "MAIL FROM",
    "Gmail",
    "530 5.7.0 Authentication Required. For more information, go to https://support.google.com",
  ],
  ["client", "MAIL FROM", "Amazon SES", "530 Must issue a STARTTLS command first"],

  ["address", "RCPT TO", "Gmail", "550 5.1.1 The email account that you tried to reach does not exist."],
  [
    "address",
    "RCPT TO",
    "Postfix",
    "550 5.1.1 <x@example.com>: Recipient address rejected: User unknown in local recipient table",
  ],
  [
    "address",
    "RCPT TO",
    "Outlook",
    "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
  ],
  ["address", "RCPT TO", "Postfix", "556 5.1.10 Recipient address has null MX"],
  ["address", "RCPT TO", "Postfix", "550 5.1.2 <x@nowhere.example>: Recipient address rejected: Domain not found"],
  ["address", "RCPT TO", "Postfix", "501 5.1.3 Bad recipient address syntax"],
  ["address", "body", "Outlook", "550 5.1.1 User unknown; rejecting"],

  ["sender", "MAIL FROM", "Postfix", "550 5.1.8 <me@nowhere.example>: Sender address rejected: Domain not found"],
  ["sender", "MAIL FROM", "Postfix", "501 5.1.7 Bad sender address syntax"],
  ["sender", "RCPT TO", "Postfix", "550 5.1.8 <me@nowhere.example>: Sender address rejected: Domain not found"],
  ["sender", "RCPT TO", "Postfix", "554 5.7.1 <x@example.com>: Relay access denied"],
  ["sender", "MAIL FROM", "Exim", "550 Sender verify failed"],
  ["sender", "MAIL FROM", "Outlook", "550 5.1.1 <me@example.com>: not known here"],
  ["sender", "body", "Gmail", "550 5.7.26 This mail has been blocked because the sender is unauthenticated."],
  [
    "sender",
    "body",
    "Outlook",
    "550 5.7.515 Access denied, sending domain example.com does not meet the required authentication level.",
  ],
  ["sender", "body", "Outlook", "550 5.7.60 SMTP; Client does not have permissions to send as this sender"],
  [
    "sender",
    "body",
    "Yahoo",
    "554 5.7.9 Message not accepted for policy reasons. See https://postmaster.yahooinc.com/error-codes",
  ],

  ["mailbox_full", "RCPT TO", "Gmail", "552 5.2.2 The email account that you tried to reach is over quota."],
  ["mailbox_full", "RCPT TO", "Gmail", "452 4.2.2 The email account that you tried to reach is over quota."],
  ["mailbox_full", "RCPT TO", "Outlook", "554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException"],
  ["mailbox_full", "RCPT TO", "Yahoo", "552 Requested mail action aborted, mailbox not found or full"],
  ["mailbox_full", "body", "Exim", "452 4.2.2 Mailbox full"],

  [
    "slow_down",
    "RCPT TO",
    "Gmail",
    "421 4.7.28 Gmail has detected an unusual rate of mail originating from your IP address.",
  ],
  ["slow_down", "body", "Gmail", "421 4.7.0 Try again later, closing connection."],
  ["slow_down", "RCPT TO", "Outlook", "451 4.7.500 Server busy. Please try again later from [192.0.2.1]. (S77719)"],
  [
    "slow_down",
    "RCPT TO",
    "Outlook",
    "451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation.",
  ],
  [
    "slow_down",
    "MAIL FROM",
    "Yahoo",
    "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints",
  ],
  ["slow_down", "RCPT TO", "Postfix", "450 4.7.1 Error: too much mail from 192.0.2.1"],
  ["slow_down", "body", "Exim", "421 mx.example.com: too many messages in one connection"],

  ["transient", "MAIL FROM", "Postfix", "421 4.4.2 mx.example.com Error: timeout exceeded"],
  ["transient", "MAIL FROM", "Exim", "421 mx.example.com: SMTP command timeout - closing connection"],
  ["transient", "MAIL FROM", "our inbox", "421 Timeout - closing connection"],

  ["throttled", "body", "Amazon SES", "454 Throttling failure: Maximum sending rate exceeded."],
  ["throttled", "body", "Amazon SES", "454 Throttling failure: Daily message quota exceeded."],

  ["transient", "RCPT TO", "Postfix", "450 4.1.1 <x@example.com>: Recipient address rejected: unverified address"],
  [
    "transient",
    "RCPT TO",
    "Postfix",
    "450 4.2.0 <x@example.com>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch",
  ],
  ["transient", "RCPT TO", "Exim", "451 4.7.1 Greylisting in action, please come back later"],
  ["transient", "MAIL FROM", "Postfix", "450 4.1.8 <me@example.com>: Sender address rejected: Domain not found"],
  ["transient", "MAIL FROM", "Postfix", "452 4.3.1 Insufficient system storage"],
  ["transient", "body", "Exim", "451 Temporary local problem - please try later"],
  ["transient", "body", "Exim", "503 valid RCPT command must precede DATA"],

  ["permanent", "RCPT TO", "Exim", "550 Unrouteable address"],
  ["permanent", "RCPT TO", "Gmail", "550 5.2.1 The email account that you tried to reach is inactive."],
  ["permanent", "RCPT TO", "Outlook", "550 5.4.1 Recipient address rejected: Access denied."],
  [
    "permanent",
    "RCPT TO",
    "Outlook",
    "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required",
  ],
  ["permanent", "body", "Yahoo", "554 delivery error: dd This user doesn't have a yahoo.com account"],
  ["permanent", "body", "Amazon SES", "554 Message rejected: Email address is not verified."],
  ["permanent", "body", "Gmail", "552 5.3.4 Your message exceeded Google's message size limits."],
  ["permanent", "MAIL FROM", "Postfix", "552 5.3.4 Message size exceeds fixed limit"],
  ["permanent", "body", "Exim", "552 Message size exceeds maximum permitted"],
];

test.each(replies)("%s, at %s: %s says %j", (expected, where, _provider, line) => {
  const error = Object.assign(new Error("x"), {
    response: line,
    responseCode: Number(line.slice(0, 3)),
    command: where,
  });
  const stages = { connect: "queued", "MAIL FROM": "envelope", "RCPT TO": "envelope", body: "released" } as const;
  const reply = replyFromError(error, stages[where]);
  if (reply.kind !== "refused") throw new Error(`${reply.kind}: a refusal was expected`);
  expect(classifyRefusal(reply)).toBe(expected);
});

test("only a word about the address suppresses it: a bare 550 at RCPT TO may be policy as well", () => {
  // Exim and others answer an unknown user, a blocked sender and a full disk alike with a bare 550. Whoever is suppressed
  // gets nothing ever again, so a guess is not enough.
  const bare = { kind: "refused", permanent: true, phase: "envelope", code: 550, response: "550 rejected" } as const;
  expect(classifyRefusal(bare)).toBe("permanent");
  expect(classifyRefusal({ ...bare, enhancedCode: "5.1.1" })).toBe("address");
});
