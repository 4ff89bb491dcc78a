import { once } from "node:events";
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from "smtp-server";
import type { InboxStore } from "./inbox-store.ts";

// What large providers accept (Gmail: 25 MB).
const SIZE_BYTES_MAX = 25 * 1024 * 1024;

// A sender's pool keeps idle connections open; who is in the middle of a message gets this long to finish it.
const CLOSE_TIMEOUT_MILLISECONDS = 1_000;

/**
 * An SMTP server that takes every message and passes none on. "250" to the final dot means: on disk. Any user name and
 * password will do. No STARTTLS, as there is no certificate that a client could trust.
 */
export async function startInboxSmtp(
  store: InboxStore,
  { host, port, answerMilliseconds }: { host: string; port: number; answerMilliseconds: number },
): Promise<{ port: number; close(): Promise<void> }> {
  const server = new SMTPServer({
    name: "dripline-inbox",
    banner: "Dripline inbox: keeps everything, delivers nothing",
    size: SIZE_BYTES_MAX,
    disabledCommands: ["STARTTLS"],
    authOptional: true,
    allowInsecureAuth: true,
    disableReverseLookup: true,
    logger: false,
    closeTimeout: CLOSE_TIMEOUT_MILLISECONDS,
    onAuth: (auth, _session, callback) => callback(null, { user: auth.username ?? "anybody" }),
    onData: (stream, session, callback) => {
      receive(store, stream, session).then(
        (id) => setTimeout(() => callback(null, `kept as ${id}`), answerMilliseconds),
        (error: Error) => callback(error),
      );
    },
  });
  // A client that breaks off is its own business.
  server.on("error", () => {});
  const listening = server.listen(port, host);
  await once(listening, "listening");
  const address = listening.address();
  if (address === null || typeof address === "string") throw new Error("an SMTP server without a port");
  return { port: address.port, close: () => new Promise((resolve) => server.close(resolve)) };
}

async function receive(store: InboxStore, stream: SMTPServerDataStream, session: SMTPServerSession): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) {
    // The rest is read and dropped: the answer comes only after the final dot.
    if (!stream.sizeExceeded) chunks.push(chunk as Buffer);
  }
  if (stream.sizeExceeded) throw smtpError(552, `Message is larger than ${SIZE_BYTES_MAX} bytes`);
  const { mailFrom, rcptTo } = session.envelope;
  const envelope = {
    from: mailFrom === false ? "" : mailFrom.address,
    to: rcptTo.map((recipient) => recipient.address),
  };
  try {
    return (await store.save(Buffer.concat(chunks), envelope)).id;
  } catch (error) {
    // 452 rather than 5xx: once there is space again the same message is welcome.
    throw smtpError(452, `Could not be written to disk: ${(error as Error).message}`);
  }
}

function smtpError(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode });
}
