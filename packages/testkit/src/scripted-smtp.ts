import type { AddressInfo } from "node:net";
import { SMTPServer } from "smtp-server";

/** What a test's mail server does with one message. */
export type SmtpScript =
  | "accept"
  /** Takes the whole message and then cuts the connection without a reply. */
  | "drop_after_body"
  /** In place of the greeting. */
  | { readonly refuseConnection: Refusal }
  /** Of a server that asks for a login; the others know no AUTH. */
  | { readonly refuseLogin: Refusal }
  | { readonly refuseSender: Refusal }
  /** At every domain, or at one. */
  | { readonly refuseRecipient: Refusal & { readonly domain?: string } }
  | { readonly refuseBody: Refusal };

interface Refusal {
  readonly code: number;
  readonly text: string;
}

export interface ScriptedSmtp {
  readonly url: string;
  /** Raw messages whose last byte arrived, whatever was answered. */
  readonly bodies: string[];
  /** What it does from now on. */
  play(script: SmtpScript): void;
  close(): Promise<void>;
}

/** A real SMTP server on the loopback interface that behaves as told. */
export async function startScriptedSmtp(options: { readonly asksForLogin?: boolean } = {}): Promise<ScriptedSmtp> {
  const { asksForLogin = false } = options;
  let script: SmtpScript = "accept";
  const bodies: string[] = [];
  const server = new SMTPServer({
    disabledCommands: asksForLogin ? ["STARTTLS"] : ["AUTH", "STARTTLS"],
    allowInsecureAuth: true,
    logger: false,
    closeTimeout: 200, // a pooled client keeps its connection open for ever; a test does not wait for it
    onConnect(_session, done) {
      if (typeof script === "object" && "refuseConnection" in script) return done(smtpError(script.refuseConnection));
      done();
    },
    onAuth(_auth, _session, done) {
      if (typeof script === "object" && "refuseLogin" in script) return done(smtpError(script.refuseLogin));
      done(null, { user: "dripline" });
    },
    onMailFrom(_address, _session, done) {
      if (typeof script === "object" && "refuseSender" in script) return done(smtpError(script.refuseSender));
      done();
    },
    onRcptTo({ address }, _session, done) {
      if (typeof script === "object" && "refuseRecipient" in script) {
        const { domain } = script.refuseRecipient;
        if (domain === undefined || address.endsWith(`@${domain}`)) return done(smtpError(script.refuseRecipient));
      }
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
    url: asksForLogin ? `smtp://dripline:secret@127.0.0.1:${port}` : `smtp://127.0.0.1:${port}`,
    bodies,
    play(next) {
      script = next;
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function smtpError({ code, text }: Refusal): Error {
  return Object.assign(new Error(text), { responseCode: code });
}

function cutConnection(server: SMTPServer, sessionId: string): void {
  for (const connection of (server as unknown as { connections: Set<{ id: string; _socket: { destroy(): void } }> })
    .connections) {
    if (connection.id === sessionId) connection._socket.destroy();
  }
}
