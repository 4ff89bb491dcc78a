import { startInboxHttp } from "./inbox-http.ts";
import type { InboxMessage, MessageContent } from "./inbox-message.ts";
import { startInboxSmtp } from "./inbox-smtp.ts";
import { openInboxStore } from "./inbox-store.ts";

export type InboxOptions = {
  /** Made when missing. Messages of earlier runs in it are listed again. */
  directory: string;
  /** Default 127.0.0.1. */
  host?: string;
  /** Without it, or with 0, any free one. */
  smtpPort?: number;
  /** Without it, or with 0, any free one. */
  httpPort?: number;
  /** How long to wait with the answer to a message that is on disk, as a slow server does. Default 0. */
  answerMilliseconds?: number;
  now: () => Date;
};

export type WaitLimit = { signal: AbortSignal } | { timeoutMilliseconds: number };

export type Inbox = {
  smtpUrl: string;
  httpUrl: string;
  /** The first message, arrived already or yet to come, that `predicate` accepts. Rejects at the limit and at `close()`. */
  waitForMessage(predicate: (message: InboxMessage) => boolean, limit: WaitLimit): Promise<InboxMessage>;
  /** Newest first. */
  messages(): InboxMessage[];
  /** Headers, text, HTML and the exact bytes; `undefined` when there is no such message. */
  content(id: string): Promise<MessageContent | undefined>;
  clear(): Promise<void>;
  /** First no more mail, then no more page. Files stay. Calling it again is harmless. */
  close(): Promise<void>;
};

/**
 * Starts an SMTP server that keeps every message on this machine as a file, with a web page and JSON to read them.
 * A message is on disk before its sender gets the "250".
 * @throws what the operating system says when a port is taken (`EADDRINUSE`) or the directory cannot be used.
 */
export async function startInbox(options: InboxOptions): Promise<Inbox> {
  const { host = "127.0.0.1", smtpPort = 0, httpPort = 0, answerMilliseconds = 0 } = options;
  const store = await openInboxStore(options.directory, options.now);
  const smtp = await startInboxSmtp(store, { host, port: smtpPort, answerMilliseconds });
  const http = await startInboxHttp(store, host, httpPort).catch(async (error: unknown) => {
    await smtp.close();
    throw error;
  });
  const closing = new AbortController();
  let closed: Promise<void> | undefined;
  const closeOnce = async () => {
    await smtp.close();
    closing.abort(new Error("the inbox was closed"));
    await http.close();
  };
  return {
    smtpUrl: `smtp://${inUrl(host)}:${smtp.port}`,
    httpUrl: `http://${inUrl(host)}:${http.port}/`,
    waitForMessage(predicate, limit) {
      const find = () => store.list().findLast(predicate);
      const given = "signal" in limit ? limit.signal : AbortSignal.timeout(limit.timeoutMilliseconds);
      return waitForChange(find, store.onChange, AbortSignal.any([given, closing.signal]));
    },
    messages: store.list,
    content: store.content,
    clear: store.clear,
    close() {
      closed ??= closeOnce();
      return closed;
    },
  };
}

function waitForChange<Value>(
  find: () => Value | undefined,
  onChange: (listener: () => void) => () => void,
  signal: AbortSignal,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    const found = find();
    if (found !== undefined) return resolve(found);
    const fail = () => {
      stopListening();
      reject(new Error("no such message arrived", { cause: signal.reason }));
    };
    const stopListening = onChange(() => {
      const arrived = find();
      if (arrived === undefined) return;
      stopListening();
      signal.removeEventListener("abort", fail);
      resolve(arrived);
    });
    if (signal.aborted) fail();
    else signal.addEventListener("abort", fail, { once: true });
  });
}

function inUrl(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}
