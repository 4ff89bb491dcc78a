import { type MailAddress, plainMailbox } from "./mail-address.ts";
import { mailboxHeader, textHeader } from "./message-headers.ts";
import { isLoopbackHost } from "./smtp-url.ts";
import { encodePieces, encodeText, type TextPiece } from "./text-piece.ts";
import type { OutgoingMessage } from "./transport.ts";

export type MessageParts = {
  /** From `messageIdFor`, with its angle brackets. */
  messageId: string;
  /** The Date header: when this attempt is made. */
  date: Date;
  from: MailAddress;
  to: MailAddress;
  subject: string;
  /** Whole, or in pieces, of which some are known from other messages. */
  html: string | readonly TextPiece[];
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
  const boundary = boundaryOf(parts.messageId);
  const html = typeof parts.html === "string" ? encodeText(parts.html) : encodePieces(parts.html);
  const message = `${headersOf(parts, from, to, boundary).join("\r\n")}\r\n\r\n${partOf("text/plain", encodeText(parts.text), boundary)}${partOf("text/html", html, boundary)}--${boundary}--\r\n`;
  const raw = Buffer.from(message, "latin1");
  return { envelope: { from: from.address, to: [to.address] }, messageId: parts.messageId, raw };
}

function headersOf(parts: MessageParts, from: MailAddress, to: MailAddress, boundary: string): string[] {
  return [
    // On one line each: folding a List-Unsubscribe broke DKIM signatures at a relay (nodemailer issue 1654).
    `List-Unsubscribe: <${unsubscribeUrl(parts.unsubscribeUrl)}>`,
    "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
    "Auto-Submitted: auto-generated",
    ...(parts.listId === undefined ? [] : [`List-ID: <${listId(parts.listId)}>`]),
    mailboxHeader("From", from),
    mailboxHeader("To", to),
    ...(parts.replyTo === undefined ? [] : [mailboxHeader("Reply-To", plainMailbox(parts.replyTo))]),
    textHeader("Subject", parts.subject),
    `Message-ID: ${parts.messageId}`,
    `Date: ${parts.date.toUTCString().replace("GMT", "+0000")}`,
    "MIME-Version: 1.0",
    `Content-Type: multipart/alternative;\r\n boundary="${boundary}"`,
  ];
}

/** "=_" cannot stand in quoted-printable (RFC 2045 section 6.7), so no content can hold it. */
function boundaryOf(messageId: string): string {
  return `=_${messageId.replace(/[^A-Za-z0-9]/g, "").slice(0, 60)}`;
}

function partOf(type: "text/plain" | "text/html", body: string, boundary: string): string {
  const head = `--${boundary}\r\nContent-Type: ${type}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n`;
  // The line end before a boundary belongs to the boundary (RFC 2046 section 5.1.1).
  return `${head}${body}\r\n`;
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
