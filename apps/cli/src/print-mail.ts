import type { Inbox } from "@dripline/embedded/inbox";
import { mailLine } from "./mail-line.ts";

/** A line for every email that arrives from now on, until stopping begins. */
export async function printMail(inbox: Inbox, signal: AbortSignal, say: (line: string) => void): Promise<void> {
  const ready = inbox.messages();
  // Ids sort by arrival. What came in while this process was getting ready is news as well.
  let printed = ready.find((message) => performance.timeOrigin > message.receivedAt.getTime())?.id ?? "";
  while (!signal.aborted) {
    const last = printed;
    const message = await inbox.waitForMessage(({ id }) => id > last, { signal }).catch(() => undefined);
    if (message === undefined) return;
    say(mailLine({ receivedAt: message.receivedAt, to: message.envelopeTo, subject: message.subject }));
    printed = message.id;
  }
}
