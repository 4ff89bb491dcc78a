import { randomBytes } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { describeMessage, type InboxMessage, type MessageContent, messageContent } from "./inbox-message.ts";

export type Envelope = { from: string; to: readonly string[] };

/** The messages of one directory: a file `<id>.eml` each, and its envelope in `<id>.json`. */
export type InboxStore = {
  /** Returns when the message is on disk and would survive a power cut. Throws what the file system says. */
  save(raw: Buffer, envelope: Envelope): Promise<InboxMessage>;
  /** Newest first. */
  list(): InboxMessage[];
  find(id: string): InboxMessage | undefined;
  content(id: string): Promise<MessageContent | undefined>;
  clear(): Promise<void>;
  /** Calls `listener` after every save and clear; returns what ends that. */
  onChange(listener: () => void): () => void;
};

/** Opens (or makes) the inbox in `directory`, with all that earlier runs left in it. */
export async function openInboxStore(directory: string, now: () => Date): Promise<InboxStore> {
  // What is in there is other people's mail, if only invented.
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const messages = await readExisting(directory);
  const listeners = new Set<() => void>();
  const announce = () => {
    for (const listener of [...listeners]) listener();
  };
  let newestMilliseconds = Math.max(0, ...[...messages.values()].map((message) => message.receivedAt.getTime()));

  return {
    async save(raw, envelope) {
      // Two in one millisecond, or a clock that was set back, must not upset the order of arrival.
      newestMilliseconds = Math.max(now().getTime(), newestMilliseconds + 1);
      const receivedAt = new Date(newestMilliseconds);
      const id = `${receivedAt.toISOString().replaceAll(/[-:.]/g, "")}-${randomBytes(3).toString("hex")}`;
      const described = await describeMessage(raw);
      const message: InboxMessage = {
        id,
        receivedAt,
        envelopeFrom: envelope.from,
        envelopeTo: envelope.to,
        ...described,
        sizeBytes: raw.length,
      };
      // The .eml comes last: with it the message exists.
      await writeDurably(directory, `${id}.json`, JSON.stringify({ receivedAt, envelope }));
      await writeDurably(directory, `${id}.eml`, raw);
      messages.set(id, message);
      announce();
      return message;
    },
    list: () => [...messages.values()].sort((one, other) => (one.id < other.id ? 1 : -1)),
    find: (id) => messages.get(id),
    async content(id) {
      if (!messages.has(id)) return undefined;
      const raw = await readFile(path.join(directory, `${id}.eml`)).catch(() => Buffer.alloc(0));
      return messageContent(raw);
    },
    async clear() {
      const ids = [...messages.keys()];
      messages.clear();
      for (const id of ids) {
        await rm(path.join(directory, `${id}.eml`), { force: true });
        await rm(path.join(directory, `${id}.json`), { force: true });
      }
      announce();
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

async function readExisting(directory: string): Promise<Map<string, InboxMessage>> {
  const names = await readdir(directory);
  const messages = new Map<string, InboxMessage>();
  for (const name of names.filter((name) => name.endsWith(".eml")).sort()) {
    const message = await readMessage(directory, name.slice(0, -".eml".length));
    if (message !== undefined) messages.set(message.id, message);
  }
  // Half-written files of a run that was killed: their senders never got a "250" and will try again.
  for (const name of names.filter((name) => name.endsWith(".part"))) {
    await rm(path.join(directory, name), { force: true });
  }
  return messages;
}

async function readMessage(directory: string, id: string): Promise<InboxMessage | undefined> {
  const file = path.join(directory, `${id}.eml`);
  const { mtime, size } = await stat(file);
  const kept = await readEnvelope(path.join(directory, `${id}.json`));
  const common = {
    id,
    receivedAt: kept?.receivedAt ?? mtime,
    envelopeFrom: kept?.envelope.from ?? "",
    envelopeTo: kept?.envelope.to ?? [],
    sizeBytes: size,
  };
  try {
    return { ...common, ...(await describeMessage(await readFile(file))) };
  } catch (error) {
    const unreadable = `the file cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    return { ...common, from: null, to: [], subject: "", messageId: null, unreadable };
  }
}

async function readEnvelope(file: string): Promise<{ receivedAt: Date; envelope: Envelope } | undefined> {
  try {
    const { receivedAt, envelope } = JSON.parse(await readFile(file, "utf8"));
    const instant = new Date(receivedAt);
    const isWhole = !Number.isNaN(instant.getTime()) && typeof envelope.from === "string" && isListOfText(envelope.to);
    return isWhole ? { receivedAt: instant, envelope } : undefined;
  } catch {
    // Lost or damaged: the message itself is still worth showing.
    return undefined;
  }
}

function isListOfText(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

async function writeDurably(directory: string, name: string, content: string | Buffer): Promise<void> {
  const part = path.join(directory, `${name}.part`);
  const file = await open(part, "wx", 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(part, path.join(directory, name));
  const parent = await open(directory, "r");
  try {
    await parent.sync();
  } finally {
    await parent.close();
  }
}
