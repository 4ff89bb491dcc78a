import { createSmtpTransport } from "@dripline/mail/smtp-transport";
import { isLoopbackHost, parseSmtpUrl } from "@dripline/mail/smtp-url";
import type { Unreachable, Verification } from "@dripline/mail/transport";
import type { Finding } from "./finding.ts";

const millisecondsMax = 5_000;

/** Whether the mail server takes our mail: it greets, has the TLS that is wanted, and lets us log in. Sends nothing. */
export async function lookAtSmtp(smtpUrl: string): Promise<Finding> {
  const parsed = parseSmtpUrl(smtpUrl);
  if (!parsed.ok) return { kind: "bad", text: `SMTP_URL ${parsed.problem}`, remedy: "Correct SMTP_URL." };
  const { host, port, auth } = parsed.server;
  const name = `SMTP server ${host}:${port}`;
  const transport = createSmtpTransport({
    url: smtpUrl,
    poolSize: 1,
    timeouts: { connectMs: millisecondsMax, envelopeMs: millisecondsMax, finalReplyMs: millisecondsMax },
  });
  try {
    const found = await transport.verify();
    if (found.kind !== "ready") return judgeRefusal(name, found);
    return { kind: "good", text: auth === undefined ? `${name} greets` : `${name} lets us log in` };
  } finally {
    await transport.close();
  }
}

function judgeRefusal(name: string, found: Exclude<Verification, { kind: "ready" }>): Finding {
  if (found.kind === "refused") {
    const text = `${name} answers, but not as a mail server that takes mail: ${found.response}`;
    return { kind: "bad", text, remedy: "Correct SMTP_URL, or ask who runs it." };
  }
  return { kind: "bad", ...explainUnreachable(name, found) };
}

function explainUnreachable(name: string, { cause, error }: Unreachable): { text: string; remedy: string } {
  switch (cause) {
    case "authentication":
      return { text: `${name} refuses the log-in: ${error}`, remedy: "Correct user and password in SMTP_URL." };
    case "tls":
      return {
        text: `${name}: no TLS that can be trusted: ${error}`,
        remedy:
          "Write the name that is in its certificate into SMTP_URL, or trust its authority with NODE_EXTRA_CA_CERTS. On a network of your own, " +
          "?starttls=optional does without TLS where none is offered, ?tls_verify=false takes any certificate.",
      };
    case "configuration":
      return { text: `${name}: ${error}`, remedy: "Correct SMTP_URL." };
    case "network": {
      const code = /\bE[A-Z]{4,}\b/.exec(error)?.[0] ?? error;
      return { text: `${name} cannot be reached (${code})`, remedy: "Start it, or correct SMTP_URL." };
    }
  }
}

/** A link that leads to this machine is dead in everybody else's mailbox. */
export function lookAtLinks(publicUrl: string, smtpUrl: string | undefined): Finding[] {
  const parsed = smtpUrl === undefined ? undefined : parseSmtpUrl(smtpUrl);
  const leaves = parsed?.ok === true && !isLoopbackHost(parsed.server.host);
  if (!leaves || !isLoopbackHost(new URL(publicUrl).hostname)) return [];
  return [
    {
      kind: "warning",
      text: `emails leave this machine, and their unsubscribe link leads to ${publicUrl}`,
      remedy: "Set PUBLIC_URL to the address under which people reach the API, with https://.",
    },
  ];
}
