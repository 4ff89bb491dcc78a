import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { SMTPServer } from "smtp-server";

/** Where the server keeps the client waiting: never, at RCPT TO, or after the end of the message. */
export type SlowPlace = "nowhere" | "recipient" | "reply";

export interface SlowSmtp {
  readonly url: string;
  /** Recipients of the messages whose last byte arrived, in that order, whatever was answered. */
  readonly received: string[];
  /** How many clients wait there now. */
  waitingAt(place: SlowPlace): number;
  /** Answers everybody who waits, and keeps nobody waiting from now on. */
  goOn(): void;
  close(): Promise<void>;
}

/**
 * A real SMTP server that keeps clients waiting until told to go on: where, the recipient's address decides. Every answer
 * takes `answerMilliseconds` on top.
 */
export async function startSlowSmtp(
  placeOf: (recipient: string) => SlowPlace,
  { answerMilliseconds = 0 }: { answerMilliseconds?: number } = {},
): Promise<SlowSmtp> {
  let isGoingOn = false;
  const held: { readonly place: SlowPlace; readonly isGone: () => boolean; answer(): void }[] = [];
  const received: string[] = [];

  const server = new SMTPServer({
    disabledCommands: ["AUTH", "STARTTLS"],
    logger: false,
    closeTimeout: 200, // a pooled client keeps its connection open for ever; a test does not wait for it
    onRcptTo({ address }, session, done) {
      void answer("recipient", address, session, done);
    },
    onData(stream, session, done) {
      stream.resume();
      void once(stream, "end").then(() => {
        const [recipient] = session.envelope.rcptTo;
        const address = recipient?.address ?? "";
        received.push(address);
        return answer("reply", address, session, done);
      });
    },
    onClose: (session) => void gone.add(session.id),
  });
  const gone = new Set<string>();

  async function answer(place: SlowPlace, address: string, session: { id: string }, done: () => void): Promise<void> {
    if (answerMilliseconds > 0) await wait(answerMilliseconds);
    if (isGoingOn || placeOf(address) !== place) return done();
    held.push({ place, isGone: () => gone.has(session.id), answer: done });
  }

  server.on("error", () => {}); // a client that hangs up reports itself here
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    received,
    waitingAt: (place) => held.filter((each) => each.place === place && !each.isGone()).length,
    goOn() {
      isGoingOn = true;
      for (const each of held.splice(0)) if (!each.isGone()) each.answer();
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
