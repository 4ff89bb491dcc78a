import { isIPv4 } from "node:net";

/** Options that cannot lead the connection elsewhere; `service` and `proxy`, for two, can. */
const harmlessOption = /^(ignoreTLS|requireTLS|secure|tls\..+)$/;

/**
 * Whether an SMTP URL can only reach this machine: its host is a loopback address or "localhost", and none of the options
 * in its query (nodemailer takes them as transport options) sends the connection somewhere else.
 */
export function isLocalSmtp(smtpUrl: string): boolean {
  if (!URL.canParse(smtpUrl)) return false;
  const url = new URL(smtpUrl);
  return isLoopbackHost(url.hostname) && [...url.searchParams.keys()].every((name) => harmlessOption.test(name));
}

/** Whether a host, as written in a URL, is this machine: localhost, 127.0.0.0/8 or ::1. Names are not looked up. */
export function isLoopbackHost(host: string): boolean {
  return (
    host.toLowerCase() === "localhost" ||
    host === "[::1]" ||
    host === "::1" ||
    (isIPv4(host) && host.startsWith("127."))
  );
}
