import { foldLines } from "nodemailer/lib/mime-funcs";
import MimeNode from "nodemailer/lib/mime-node";
import { type MailAddress, oneLine } from "./mail-address.ts";

/** RFC 5322 section 2.1.1 asks for 78 characters at most. */
const lineMax = 76;

/** A header of a mailbox that `plainMailbox` has made: names with anything but letters, digits and blanks are encoded. */
export function mailboxHeader(name: "From" | "To" | "Reply-To", mailbox: MailAddress): string {
  const value = /^[\w ]*$/.test(mailbox.name)
    ? `${mailbox.name} <${mailbox.address}>`
    : MimeNode.encodeHeaderValue(name, [mailbox], { textEncoding: "Q" });
  return folded(name, mailbox.name === "" ? mailbox.address : value);
}

/** A header of text that may hold anything: what is not plain ASCII becomes encoded words (RFC 2047). */
export function textHeader(name: "Subject", text: string): string {
  const line = oneLine(text);
  const isPlain = /^[\w ,.:;!?'()&-]*$/.test(line);
  return folded(name, isPlain ? line : MimeNode.encodeHeaderValue(name, line, { textEncoding: "Q" }));
}

function folded(name: string, value: string): string {
  const line = `${name}: ${value}`;
  return line.length < lineMax ? line : foldLines(line, lineMax);
}
