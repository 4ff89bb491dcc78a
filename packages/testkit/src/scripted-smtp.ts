import type { AddressInfo } from "node:net";
import { SMTPServer } from "smtp-server";

/** What a test's mail server does with one message. */
export type SmtpScript =
  | "accept"
  /** Takes the whole message and then cuts the connection without a reply. */
  | "drop_after_body"
  | { readonly refuseRecipient: { readonly code: number; readonly text: string } }
  | { readonly refuseBody: { readonly code: number; readonly text: string } };

export interface ScriptedSmtp {
  readonly url: string;
  /** Raw messages whose last byte arrived, whatever was answered. */
  readonly bodies: string[];
  /** What it does from now on. */
  play(script: SmtpScript): void;
  close(): Promise<void>;
}

/** A real SMTP server on the loopback interface that behaves as told. */
export async function startScriptedSmtp(): Promise<ScriptedSmtp> {
  let script: SmtpScript = "accept";
  const bodies: string[] = [];
  const server = new SMTPServer({
    disabledCommands: ["AUTH", "STARTTLS"],
    logger: false,
    closeTimeout: 200, // a pooled client keeps its connection open for ever; a test does not wait for it
    onRcptTo(_address, _session, done) {
      if (typeof script === "object" && "refuseRecipient" in script) return done(smtpError(script.refuseRecipient));
      done();
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        bodies.push(Buffer.concat(chunks).toString("utf8"));
        if (script === "drop_after_body") return cutConnection(server, session.id);
        if (typeof script === "object" && "refuseBody" in script) return done(smtpError(script.refuseBody));
        done();
      });
    },
  });
  server.on("error", () => {}); // a cut connection reports itself here
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    bodies,
    play(next) {
      script = next;
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function smtpError({ code, text }: { readonly code: number; readonly text: string }): Error {
  return Object.assign(new Error(text), { responseCode: code });
}

function cutConnection(server: SMTPServer, sessionId: string): void {
  for (const connection of (server as unknown as { connections: Set<{ id: string; _socket: { destroy(): void } }> })
    .connections) {
    if (connection.id === sessionId) connection._socket.destroy();
  }
}
