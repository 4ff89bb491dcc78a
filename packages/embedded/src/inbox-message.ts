import PostalMime, { type Address, type Email } from "postal-mime";

export type Mailbox = { name: string; address: string };

/** A received message as it appears in the list. Addresses of the envelope are those of MAIL FROM and RCPT TO. */
export type InboxMessage = {
  /** Begins with the instant of arrival, so that ids sort by it. */
  id: string;
  receivedAt: Date;
  envelopeFrom: string;
  envelopeTo: readonly string[];
  from: Mailbox | null;
  to: readonly Mailbox[];
  subject: string;
  messageId: string | null;
  sizeBytes: number;
  /** Why the file of this message cannot be shown; `null` when it can. */
  unreadable: string | null;
};

/** What is inside a message. `headers` in their order, names as they were written. */
export type MessageContent = {
  headers: readonly { name: string; value: string }[];
  text: string | null;
  html: string | null;
  raw: Buffer;
};

export type Described = Pick<InboxMessage, "from" | "to" | "subject" | "messageId" | "unreadable">;

/** Reads sender, recipients, subject and Message-ID out of a message. Never throws: `unreadable` says what is wrong. */
export async function describeMessage(raw: Buffer): Promise<Described> {
  const email = await parse(raw);
  if (typeof email === "string") return { from: null, to: [], subject: "", messageId: null, unreadable: email };
  return {
    from: mailboxes(email.from === undefined ? [] : [email.from])[0] ?? null,
    to: mailboxes(email.to ?? []),
    subject: email.subject ?? "",
    messageId: email.messageId ?? null,
    unreadable: null,
  };
}

/** Takes a message apart. What cannot be read is left out; `raw` is always the exact bytes that arrived. */
export async function messageContent(raw: Buffer): Promise<MessageContent> {
  const email = await parse(raw);
  if (typeof email === "string") return { headers: [], text: null, html: null, raw };
  return {
    headers: email.headers.map((header) => ({ name: header.originalKey, value: header.value })),
    text: email.text ?? null,
    html: email.html ?? null,
    raw,
  };
}

async function parse(raw: Buffer): Promise<Email | string> {
  if (raw.length === 0) return "the file is empty";
  try {
    const email = await PostalMime.parse(raw);
    // RFC 5322, 2.2: a field name is printable ASCII without blanks. The parser takes any first line for a header.
    const isEmail = email.headers.some((header) => /^[!-9;-~]+$/.test(header.key));
    return isEmail ? email : "the file is not an email: it has no headers";
  } catch (error) {
    return `the file cannot be parsed: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function mailboxes(addresses: readonly Address[]): Mailbox[] {
  return addresses
    .flatMap((address) => address.group ?? [address])
    .map((mailbox) => ({ name: mailbox.name, address: mailbox.address }));
}
