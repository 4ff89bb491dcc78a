import { once } from "node:events";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Finding } from "./finding.ts";

const millisecondsMax = 5_000;

/** Whether a mail server greets us there (RFC 5321, section 3.1: a line that begins with 220). Sends nothing but QUIT. */
export async function lookAtSmtp(smtpUrl: string): Promise<Finding> {
  const { protocol, hostname, port } = new URL(smtpUrl);
  const isTls = protocol === "smtps:";
  const address = { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port) || (isTls ? 465 : 587) };
  const name = `SMTP server ${hostname}:${address.port}`;
  const socket = isTls ? connectTls({ ...address, servername: address.host }) : connect(address);
  try {
    const [chunk] = (await once(socket, "data", { signal: AbortSignal.timeout(millisecondsMax) })) as [Buffer];
    socket.end("QUIT\r\n");
    const greeting = chunk.toString().split("\r\n")[0] ?? "";
    return greeting.startsWith("220")
      ? { kind: "good", text: `${name} greets` }
      : { kind: "bad", text: `${name} answers, but not as a mail server that takes mail`, remedy: "Check SMTP_URL." };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === "ABORT_ERR" ? `no greeting within ${millisecondsMax / 1_000} s` : (code ?? message);
    return { kind: "bad", text: `${name} cannot be reached (${why})`, remedy: "Start it, or correct SMTP_URL." };
  } finally {
    socket.destroy();
  }
}
