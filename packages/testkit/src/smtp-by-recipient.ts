import type { AddressInfo } from "node:net";
import { SMTPServer } from "smtp-server";

/** What the server does with one message. */
export type RecipientScript =
  | "accept"
  /** Takes the whole message and then cuts the connection without a reply. */
  | "drop_after_body"
  /** Takes the whole message and never says anything again. */
  | "withhold_reply"
  | { readonly refuseRecipient: SmtpRefusal }
  | { readonly refuseBody: SmtpRefusal };

export interface SmtpRefusal {
  readonly code: number;
  readonly text: string;
}

/** One message whose last byte arrived. */
export interface SmtpArrival {
  readonly recipient: string;
  readonly raw: string;
  readonly at: Date;
  /** Not refused: as far as anybody can tell, somebody has got it. */
  readonly isTaken: boolean;
}

export interface SmtpByRecipient {
  readonly url: string;
  /** Everything that arrived, in its order. */
  readonly arrivals: readonly SmtpArrival[];
  /** What it does with this recipient's messages, one after the other; the last goes on for ever. Default: accept. */
  playFor(recipient: string, scripts: readonly RecipientScript[]): void;
  close(): Promise<void>;
}

/** A real SMTP server on the loopback interface that many tests can use at a time: what it does depends on the recipient. */
export async function startSmtpByRecipient(): Promise<SmtpByRecipient> {
  const arrivals: SmtpArrival[] = [];
  const scripts = new Map<string, RecipientScript[]>();
  /** By session: what was chosen at RCPT for the message that follows. */
  const chosen = new Map<string, RecipientScript>();

  function choose(recipient: string): RecipientScript {
    const left = scripts.get(recipient) ?? [];
    return (left.length > 1 ? left.shift() : left[0]) ?? "accept";
  }

  const server = new SMTPServer({
    disabledCommands: ["AUTH", "STARTTLS"],
    logger: false,
    closeTimeout: 200, // a pooled client keeps its connection open for ever; a test does not wait for it
    onRcptTo({ address }, session, done) {
      const script = choose(address);
      chosen.set(session.id, script);
      done(typeof script === "object" && "refuseRecipient" in script ? refusalOf(script.refuseRecipient) : null);
    },
    onData(stream, session, done) {
      const script = chosen.get(session.id) ?? "accept";
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const refusal = typeof script === "object" && "refuseBody" in script ? script.refuseBody : undefined;
        arrivals.push({
          recipient: session.envelope.rcptTo[0]?.address ?? "",
          raw: Buffer.concat(chunks).toString("utf8"),
          at: new Date(),
          isTaken: refusal === undefined,
        });
        if (script === "withhold_reply") return;
        if (script === "drop_after_body") return cutConnection(server, session.id);
        done(refusal && refusalOf(refusal));
      });
    },
  });
  server.on("error", () => {}); // a cut connection reports itself here
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    arrivals,
    playFor: (recipient, play) => void scripts.set(recipient, [...play]),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function refusalOf({ code, text }: SmtpRefusal): Error {
  return Object.assign(new Error(text), { responseCode: code });
}

function cutConnection(server: SMTPServer, sessionId: string): void {
  for (const connection of (server as unknown as { connections: Set<{ id: string; _socket: { destroy(): void } }> })
    .connections) {
    if (connection.id === sessionId) connection._socket.destroy();
  }
}
