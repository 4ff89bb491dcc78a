import { Readable } from "node:stream";
import type { BodyStage } from "./transport.ts";

/** What `onBeforeBody` came to, once it was asked. */
export type Verdict = { kind: "go" } | { kind: "stop" } | { kind: "failed"; error: unknown };

/**
 * A message that asks before it is read. nodemailer reads the stream after the server's "354" and writes whatever it
 * reads, so the first `read()` is the last moment at which a delivery can still be called off without a trace.
 */
export class LazyBody extends Readable {
  /** Settles when the body was asked for and the answer is in; it never rejects. */
  verdict: Promise<Verdict> | undefined;
  #stage: BodyStage = "queued";
  readonly #raw: Buffer;
  readonly #onBeforeBody: () => Promise<boolean>;
  readonly #onStage: (stage: BodyStage) => void;

  constructor(raw: Buffer, onBeforeBody: () => Promise<boolean>, onStage: (stage: BodyStage) => void) {
    super();
    this.#raw = raw;
    this.#onBeforeBody = onBeforeBody;
    this.#onStage = onStage;
  }

  get stage(): BodyStage {
    return this.#stage;
  }

  /** A connection took the message and is about to say MAIL FROM. */
  assigned(): void {
    this.#enter("envelope");
  }

  /**
   * nodemailer's pool asks this to tell whether it may queue the message again after a lost connection. We never let
   * it (`maxRequeues: 0`), and the answer "no" makes it hand over what the server said instead of "maximum number of
   * retries", so that a 421 on a pooled connection keeps its words.
   */
  override readonly readableDidRead = true;

  override _read(): void {
    if (this.verdict !== undefined) return;
    this.#enter("asked");
    this.verdict = ask(this.#onBeforeBody);
    void this.verdict.then((verdict) => this.#obey(verdict));
  }

  #obey(verdict: Verdict): void {
    if (verdict.kind !== "go") {
      this.destroy(new Error("the delivery was called off before the body"));
      return;
    }
    // The connection was lost while we asked: nothing left, and nothing may be said to have left.
    if (this.destroyed) return;
    this.#enter("released");
    this.push(this.#raw);
    this.push(null);
  }

  #enter(stage: BodyStage): void {
    this.#stage = stage;
    this.#onStage(stage);
  }
}

async function ask(onBeforeBody: () => Promise<boolean>): Promise<Verdict> {
  try {
    return (await onBeforeBody()) ? { kind: "go" } : { kind: "stop" };
  } catch (error) {
    return { kind: "failed", error };
  }
}
