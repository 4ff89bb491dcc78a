import { createHash } from "node:crypto";
import type { Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import type { DataFate, RecipientFate } from "./decide-fault.ts";
import type { SinkEntry, SinkOutcome } from "./sink-entry.ts";

export interface SessionRules {
  recipientFate(recipient: string): RecipientFate;
  dataFate(recipient: string): DataFate;
  /** How late the final reply comes. */
  replyMilliseconds(recipient: string): number;
  now(): number;
  /** Resolves when the entry is on the disk: only then may anything be answered. */
  log(entry: SinkEntry): Promise<void>;
}

const endOfData = Buffer.from("\r\n.\r\n");

/**
 * One SMTP conversation (RFC 5321), just what a client without TLS or login needs, written by hand because the faults
 * have to strike between two exact bytes: after RCPT, in the middle of the body, in place of the "250".
 */
export class SmtpSession {
  readonly #socket: Socket;
  readonly #rules: SessionRules;
  #input: Buffer = Buffer.alloc(0);
  #recipient = "";
  #fate: DataFate = "accept";
  #isInData = false;
  #isBusy = false;

  constructor(socket: Socket, rules: SessionRules) {
    this.#socket = socket;
    this.#rules = rules;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => {
      this.#input = Buffer.concat([this.#input, chunk]);
      void this.#work();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      if (this.#isInData) void this.#record("cut_in_data", this.#input, false);
      this.#isInData = false;
    });
    this.#say("220 sink.chaos.test ESMTP");
  }

  async #work(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      while (this.#isInData ? await this.#readBody() : await this.#readCommand());
    } finally {
      this.#isBusy = false;
    }
  }

  async #readCommand(): Promise<boolean> {
    const end = this.#input.indexOf("\r\n");
    if (end === -1) return false;
    const line = this.#input.toString("latin1", 0, end);
    this.#input = this.#input.subarray(end + 2);
    const verb = line.slice(0, 4).toUpperCase();
    switch (verb) {
      case "EHLO":
        this.#say("250-sink.chaos.test\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES");
        break;
      case "RCPT":
        await this.#takeRecipient(/<([^>]*)>/.exec(line)?.[1] ?? "");
        break;
      case "DATA":
        this.#fate = this.#rules.dataFate(this.#recipient);
        this.#isInData = true;
        this.#say("354 go ahead");
        break;
      case "QUIT":
        this.#say("221 2.0.0 bye");
        this.#socket.end();
        break;
      case "HELO":
      case "MAIL":
      case "RSET":
      case "NOOP":
        this.#say("250 2.0.0 ok");
        break;
      default:
        this.#say("500 5.5.1 no such command");
    }
    return !this.#socket.destroyed;
  }

  async #takeRecipient(recipient: string): Promise<void> {
    this.#recipient = recipient.toLowerCase();
    if (this.#recipient.startsWith("bad-")) {
      await this.#record("bad_recipient");
      return this.#say("550 5.1.1 no such user");
    }
    switch (this.#rules.recipientFate(this.#recipient)) {
      case "take":
        return this.#say("250 2.1.5 ok");
      case "refuse":
        await this.#record("refused_at_recipient");
        return this.#say("451 4.3.0 come back later");
      case "drop":
        await this.#record("dropped_at_recipient");
        this.#socket.destroy();
    }
  }

  async #readBody(): Promise<boolean> {
    if (this.#fate === "drop_in_data" && this.#input.length > 200) {
      this.#isInData = false;
      await this.#record("dropped_in_data", this.#input, false);
      this.#socket.destroy();
      return false;
    }
    const end = this.#input.indexOf(endOfData);
    if (end === -1) return false;
    const body = this.#input.subarray(0, end + 2);
    this.#input = this.#input.subarray(end + endOfData.length);
    this.#isInData = false;
    await this.#answerBody(body);
    return !this.#socket.destroyed;
  }

  async #answerBody(body: Buffer): Promise<void> {
    const outcomes = { refuse: "refused_after_data", swallow_reply: "accepted_silently" } as const;
    const fate = this.#fate;
    const outcome = fate === "refuse" || fate === "swallow_reply" ? outcomes[fate] : "accepted";
    await this.#record(outcome, body, true);
    await wait(this.#rules.replyMilliseconds(this.#recipient));
    if (outcome === "accepted_silently") this.#socket.destroy();
    else this.#say(outcome === "accepted" ? "250 2.0.0 taken" : "451 4.3.0 come back later");
  }

  #record(outcome: SinkOutcome, body: Buffer = Buffer.alloc(0), isWhole = false): Promise<void> {
    const head = body.subarray(0, Math.max(0, body.indexOf("\r\n\r\n"))).toString("latin1");
    const header = (name: string) => new RegExp(`^${name}:\\s*(\\S.*)$`, "im").exec(head)?.[1]?.trim() ?? null;
    return this.#rules.log({
      at: this.#rules.now(),
      outcome,
      recipient: this.#recipient,
      messageId: header("Message-ID"),
      sha256: isWhole ? createHash("sha256").update(body).digest("hex") : null,
      bytes: body.length,
      subject: header("Subject"),
      unsubscribeUrl: header("List-Unsubscribe")?.replace(/^<|>$/g, "") ?? null,
    });
  }

  #say(reply: string): void {
    if (!this.#socket.destroyed) this.#socket.write(`${reply}\r\n`);
  }
}
