import { createHash } from "node:crypto";
import MailComposer from "nodemailer/lib/mail-composer";
import { type MailAddress, oneLine, plainMailbox } from "./mail-address.ts";
import { isLoopbackHost } from "./smtp-url.ts";
import type { OutgoingMessage } from "./transport.ts";

export type MessageParts = {
  /** From `messageIdFor`, with its angle brackets. */
  messageId: string;
  /** The Date header: when this attempt is made. */
  date: Date;
  from: MailAddress;
  to: MailAddress;
  subject: string;
  html: string;
  text: string;
  /** Where a POST without cookies or login opts this recipient out: https, or http on this machine. */
  unsubscribeUrl: string;
  /** RFC 2919 identifier of the sequence, e.g. `onboarding.example.com`. */
  listId?: string;
  replyTo?: MailAddress;
};

/**
 * Builds one message to exactly one recipient: text and HTML as alternatives (RFC 2046), one-click unsubscribe
 * (RFC 8058), `Auto-Submitted` so that autoresponders stay quiet (RFC 3834), `List-Id` (RFC 2919). The same parts give
 * the same bytes; attempts differ in the date alone. Names and subject cannot add headers or recipients.
 *
 * @throws when an address, the list id, the Message-ID or the unsubscribe URL cannot stand in a header: these are
 *   checked where they are written, so a bad one here is a mistake in the caller
 */
export async function composeMessage(parts: MessageParts): Promise<OutgoingMessage> {
  const from = plainMailbox(parts.from);
  const to = plainMailbox(parts.to);
  if (!/^<[^<>\s@]+@[^<>\s@]+>$/.test(parts.messageId)) {
    throw new Error(`not a Message-ID: ${JSON.stringify(parts.messageId)}`);
  }
  const composer = new MailComposer({
    disableFileAccess: true,
    disableUrlAccess: true,
    newline: "windows",
    // Readable in the raw source, and lines of 76 characters whatever the content (7bit where it is plain ASCII).
    textEncoding: "quoted-printable",
    baseBoundary: createHash("sha256").update(parts.messageId).digest("hex").slice(0, 32),
    envelope: { from: from.address, to: [to.address] },
    messageId: parts.messageId,
    date: parts.date,
    from,
    to: [to],
    ...(parts.replyTo === undefined ? {} : { replyTo: [plainMailbox(parts.replyTo)] }),
    subject: oneLine(parts.subject),
    text: lines(parts.text),
    html: lines(parts.html),
    headers: headersOf(parts),
  });
  const raw = await composer.compile().build();
  return { envelope: { from: from.address, to: [to.address] }, messageId: parts.messageId, raw };
}

function headersOf(parts: MessageParts): Record<string, string | { prepared: true; value: string }> {
  // `prepared`: written as it is. Folding a List-Unsubscribe broke DKIM signatures at a relay (nodemailer issue 1654).
  return {
    "List-Unsubscribe": { prepared: true, value: `<${unsubscribeUrl(parts.unsubscribeUrl)}>` },
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    "Auto-Submitted": "auto-generated",
    ...(parts.listId === undefined
      ? {}
      : { "List-Id": { prepared: true as const, value: `<${listId(parts.listId)}>` } }),
  };
}

function unsubscribeUrl(text: string): string {
  const url = new URL(text);
  const allowed = url.protocol === "https:" || (url.protocol === "http:" && isLoopbackHost(url.hostname));
  if (!allowed) throw new Error(`the unsubscribe URL must be https (RFC 8058): ${url.origin}`);
  // Angle brackets and commas separate URLs in this header (RFC 2369 section 2).
  return url.href.replace(/[<>,]/g, (character) => encodeURIComponent(character));
}

function listId(text: string): string {
  if (!/^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,250}[A-Za-z0-9])?$/.test(text)) {
    throw new Error(`not a list id (RFC 2919): ${JSON.stringify(text)}`);
  }
  return text;
}

// A bare CR and a NUL may not stand in a message (RFC 5322 section 2.3); some servers refuse them, some read line ends.
function lines(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  return text.replace(/\r\n?/g, "\n").replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, "");
}
