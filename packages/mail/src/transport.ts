/** One composed message for one recipient. `raw` is the whole message, sent as it is. */
export type OutgoingMessage = {
  envelope: { from: string; to: [string] };
  /** With its angle brackets. */
  messageId: string;
  raw: Buffer;
};

/** Where one message stands, from its own point of view. Only `released` can have left a byte on the wire. */
export type BodyStage = "queued" | "envelope" | "asked" | "released";

/** How far a delivery had come: `data` starts with the server's "354", `envelope` with MAIL FROM. */
export type Phase = "connect" | "envelope" | "data";

/** What the server took responsibility for: it answered 2xx to the end of the data (RFC 5321 section 4.2.5). */
export type Accepted = {
  kind: "accepted";
  response: string;
  code: number;
  /** The Message-ID that the server gave the message in place of ours, where it says so (Amazon SES, Microsoft 365). */
  serverMessageId?: string;
};

/** The server said no. The message is not on its way, whatever was sent of it. */
export type Refused = {
  kind: "refused";
  /**
   * True when the server refused *this message* for good: a 5yz in phase `envelope` or `data` (503, a session out of
   * step, is not one). A refusal in phase `connect` is about this client, never about the message, and is not permanent.
   */
  permanent: boolean;
  phase: Phase;
  /** It was MAIL FROM that it refused: it had not been told the recipient yet. */
  refusesSender?: boolean;
  code: number;
  /** RFC 3463, e.g. "5.1.1", when the server gave one. */
  enhancedCode?: string;
  response: string;
};

/** No answer could be had, and no byte of the message left: trying again cannot make a second copy. */
export type Unreachable = {
  kind: "unreachable";
  phase: Phase;
  /** Everything but `network` is about our own settings: retrying each message is pointless until they are changed. */
  cause: "network" | "authentication" | "tls" | "configuration";
  /** The server's own codes, where it gave some: it refused our login or our STARTTLS. */
  code?: number;
  enhancedCode?: string;
  error: string;
};

/** Bytes of the message left and no answer came: it may have been delivered or not. */
export type InDoubt = { kind: "in_doubt"; error: string };

/** `onBeforeBody` said no: no byte of the message left and the connection was destroyed. */
export type Fenced = { kind: "fenced" };

/** Given up from this side before the body (see `callOff`): no byte of the message left. */
export type CalledOff = { kind: "called_off" };

/** What came of one delivery. */
export type Reply = Accepted | Refused | Unreachable | InDoubt | Fenced | CalledOff;

export type Verification = { kind: "ready" } | Refused | Unreachable;

/** Something that hands a message to a mail server: SMTP in production, a recorder in tests of what is built on it. */
export interface MailTransport {
  /**
   * Makes one attempt to deliver; it never retries by itself. `onBeforeBody` is called at most once, after the server
   * is ready for the body and before the first byte of it leaves, and decides with `true` that it may leave.
   * Whatever happens meanwhile, the reply is not given before `onBeforeBody` has settled. `onStage` hears of each stage
   * that the message enters after `queued`; it is for measuring and must not throw.
   *
   * @throws only what `onBeforeBody` rejected with; then no byte of the message left and the connection was destroyed
   */
  deliver(
    message: OutgoingMessage,
    onBeforeBody: () => Promise<boolean>,
    onStage?: (stage: BodyStage) => void,
  ): Promise<Reply>;

  /** Connects and logs in without sending anything. */
  verify(): Promise<Verification>;

  /**
   * Ends every delivery of which no byte of the body has left, those that wait for a connection included, and answers
   * them `called_off`, as it does whatever is handed over from now on. Those in the body go on. For stopping in time.
   */
  callOff(): void;

  /**
   * Takes no more messages, lets deliveries under way end and closes the connections. A message still waiting for a
   * connection gets `unreachable`. Waits as long as the server takes: whoever stops a process races it with a grace period.
   */
  close(): Promise<void>;
}
