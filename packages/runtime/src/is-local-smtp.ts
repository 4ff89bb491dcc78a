import { isLoopbackHost, parseSmtpUrl } from "@dripline/mail/smtp-url";

/** Whether mail to this SMTP URL stays on this machine. False for a URL that cannot be used. */
export function isLocalSmtp(smtpUrl: string): boolean {
  const parsed = parseSmtpUrl(smtpUrl);
  return parsed.ok && isLoopbackHost(parsed.server.host);
}
