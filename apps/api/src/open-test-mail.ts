import { createSmtpTransport } from "@dripline/mail/smtp-transport";
import type { MailTransport } from "@dripline/mail/transport";
import type { Mailbox } from "@dripline/runtime/config-forms";

export interface TestMail {
  readonly from: Mailbox;
  /** Made when it is first asked for: most processes never send a test. */
  transport(): MailTransport;
}

/** Somebody waits for the answer, so a mail server that hangs is given up on within half a minute, not half an hour. */
const timeouts = { connectMs: 5_000, envelopeMs: 10_000, finalReplyMs: 15_000 };

/** How the API sends tests; null if it is told no mail server or no sender. Connects to nothing by itself. */
export function openTestMail({
  smtpUrl: url,
  mailFrom: from,
}: {
  readonly smtpUrl: string | undefined;
  readonly mailFrom: Mailbox | undefined;
}): (TestMail & { close(): Promise<void> }) | null {
  if (url === undefined || from === undefined) return null;
  let made: MailTransport | undefined;
  return {
    from,
    transport() {
      made ??= createSmtpTransport({ url, poolSize: 2, timeouts, idleMs: 5_000 });
      return made;
    },
    async close() {
      await made?.close();
    },
  };
}
