import { Readable, Transform } from "node:stream";
import { isReadyForWire } from "./ready-for-wire.ts";
import type { BodyStage } from "./transport.ts";

/** RFC 5321 section 4.1.1.4: what ends the data, after a line end. */
const endOfData = Buffer.from(".\r\n");

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
  /** Nodemailer's own, whose readable side goes to the socket; unset if it has to look at every byte. */
  #dataStream: Transform | undefined;

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

  /**
   * nodemailer pipes the message into a stream that looks for dots and bare line ends byte by byte, which takes as long as all
   * the rest of sending it. A message that it would not change goes past that, straight into what that stream gives out.
   */
  override pipe<T extends NodeJS.WritableStream>(destination: T, options?: { end?: boolean }): T {
    if (!(destination instanceof Transform) || !isReadyForWire(this.#raw)) return super.pipe(destination, options);
    this.#dataStream = destination;
    this._read();
    return destination;
  }

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
    if (this.#dataStream === undefined) {
      this.push(this.#raw);
      this.push(null);
    } else {
      this.#dataStream.push(this.#raw);
      this.#dataStream.push(endOfData); // a second write to the socket costs less than copying both into one piece
      this.#dataStream.push(null);
    }
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
