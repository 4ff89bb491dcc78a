import { setMaxListeners } from "node:events";
import SMTPPool from "nodemailer/lib/smtp-pool";
import { LazyBody } from "./lazy-body.ts";
import { clean, connectionFailure, replyFromAcceptance, replyFromError, type SmtpError } from "./smtp-reply.ts";
import { isLoopbackHost, parseSmtpUrl, type SmtpServer } from "./smtp-url.ts";
import type { BodyStage, MailTransport, OutgoingMessage, Reply, Verification } from "./transport.ts";

export type SmtpTimeouts = {
  /** From the DNS look-up to the end of the greeting, EHLO and STARTTLS. */
  connectMs: number;
  /** From MAIL FROM to the answer to DATA. */
  envelopeMs: number;
  /** From the first byte of the body to the server's final answer. Giving up earlier makes doubt, and copies. */
  finalReplyMs: number;
};

/** RFC 5321 section 4.5.3.2: 5 minutes for the greeting, 5 for MAIL and RCPT, 10 for the end of the data. */
export const smtpTimeoutDefaults: SmtpTimeouts = {
  connectMs: 5 * 60_000,
  envelopeMs: 5 * 60_000,
  finalReplyMs: 10 * 60_000,
};

export type SmtpTransportOptions = {
  /** See `parseSmtpUrl`. */
  url: string;
  /** Connections open at the same time; more deliveries than that wait for one. */
  poolSize: number;
  /** After so many messages a connection is closed and replaced; many servers limit it. Default 100. */
  messagesPerConnectionMax?: number;
  /**
   * An idle connection is closed after this time, before the server does it: an email that takes a connection in the moment
   * in which the server gives it up has to be tried again minutes later. Servers wait for ten seconds to five minutes.
   * Default 8 s.
   */
  idleMs?: number;
  timeouts?: Partial<SmtpTimeouts>;
};

/**
 * Delivers through a pool of SMTP connections. One call of `deliver` is one attempt on one connection; lost pooled
 * connections are replaced, the message that met one gets `unreachable` and the caller's retry.
 *
 * @throws when the URL cannot be used; the message says what to change
 */
export function createSmtpTransport(options: SmtpTransportOptions): MailTransport {
  const url = parseSmtpUrl(options.url);
  if (!url.ok) throw new Error(`The SMTP URL ${url.problem}`);
  const timeouts = { ...smtpTimeoutDefaults, ...options.timeouts };
  const pool = openPool(url.server, options, timeouts);
  const underWay = new Set<Promise<Reply>>();
  const callingOff = new AbortController();
  setMaxListeners(0, callingOff.signal); // one for each delivery under way

  return {
    deliver(message, onBeforeBody, onStage = () => {}) {
      const delivery = deliverOnce(pool, timeouts, message, { onBeforeBody, onStage }, callingOff.signal);
      underWay.add(delivery);
      const forget = (): boolean => underWay.delete(delivery);
      delivery.then(forget, forget);
      return delivery;
    },
    async verify(): Promise<Verification> {
      try {
        await pool.verify();
        return { kind: "ready" };
      } catch (error) {
        return connectionFailure(asSmtpError(error));
      }
    },
    callOff: () => callingOff.abort(),
    async close() {
      pool.close();
      await Promise.allSettled(underWay);
    },
  };
}

async function deliverOnce(
  pool: SMTPPool,
  timeouts: SmtpTimeouts,
  message: OutgoingMessage,
  { onBeforeBody, onStage }: { onBeforeBody: () => Promise<boolean>; onStage: (stage: BodyStage) => void },
  callingOff: AbortSignal,
): Promise<Reply> {
  if (callingOff.aborted) return { kind: "called_off" };
  const deadline = createDeadline();
  const body = new LazyBody(message.raw, onBeforeBody, (stage) => {
    deadline.stop();
    onStage(stage);
    if (stage === "envelope") deadline.start(timeouts.envelopeMs, "no answer to MAIL FROM, RCPT TO or DATA");
    if (stage === "released") deadline.start(timeouts.finalReplyMs, "no answer to the end of the message");
  });

  const callOff = (): void => {
    if (body.stage === "released") return;
    deadline.abort();
    body.destroy(); // at once, lest an answer of `onBeforeBody` that comes in this moment release it
  };
  callingOff.addEventListener("abort", callOff);
  const sent = await send(pool, message, body, deadline.signal);
  callingOff.removeEventListener("abort", callOff);
  deadline.stop();
  // Over before the body was released (a lost connection, a server that answers what it was not asked): it stays here.
  if (body.stage !== "released") body.destroy();
  // No verdict after the fact: a caller must not record an outcome while its own mark is still being written.
  const verdict = await body.verdict;
  if (verdict?.kind === "failed") throw verdict.error;
  if (verdict?.kind === "stop") return { kind: "fenced" };
  if (isCalledOff(body, callingOff, deadline)) return { kind: "called_off" };
  if (deadline.missed !== undefined) return replyFromError(new Error(deadline.missed), body.stage);
  if (!sent.ok) return replyFromError(sent.error, body.stage);
  if (body.stage !== "released") {
    // A 250 to nothing: the body never left.
    return replyFromError(new Error(`unexpected answer before the message: ${clean(sent.response)}`), body.stage);
  }
  return replyFromAcceptance(sent.response, sent.serverMessageId);
}

/** Not released although it was aborted, and not for being late: that is what was called off. */
function isCalledOff(body: LazyBody, callingOff: AbortSignal, deadline: Deadline): boolean {
  return callingOff.aborted && body.stage !== "released" && deadline.signal.aborted && deadline.missed === undefined;
}

type Sent = { ok: true; response: string; serverMessageId: string | undefined } | { ok: false; error: SmtpError };

/**
 * Hands the message to the pool itself: what nodemailer's mailer would do before (parse addresses, build a MIME tree, make
 * up headers) is done, and done again it costs as much as the way to the server.
 */
function send(pool: SMTPPool, message: OutgoingMessage, body: LazyBody, signal: AbortSignal): Promise<Sent> {
  const { from, to } = message.envelope;
  const mail = {
    data: { signal },
    message: {
      getHeader: () => message.messageId,
      messageId: () => message.messageId,
      getEnvelope: () => ({ from, to: [...to] }),
      createReadStream: () => {
        body.assigned();
        return body;
      },
    },
  };
  return new Promise((resolve) => {
    pool.send(mail as unknown as Parameters<SMTPPool["send"]>[0], (error, info) => {
      if (error) resolve({ ok: false, error: asSmtpError(error) });
      else resolve({ ok: true, response: info?.response ?? "", serverMessageId: info?.serverMessageId });
    });
  });
}

function openPool(server: SmtpServer, options: SmtpTransportOptions, timeouts: SmtpTimeouts): SMTPPool {
  return new SMTPPool({
    host: server.host,
    port: server.port,
    secure: server.tls === "implicit",
    requireTLS: server.tls === "required",
    ignoreTLS: server.tls === "off",
    tls: { rejectUnauthorized: server.tlsVerify },
    ...(server.auth === undefined ? {} : { auth: server.auth }),
    ...(server.name === undefined ? {} : { name: server.name }),
    allowInternalNetworkInterfaces: isLoopbackHost(server.host),
    maxConnections: options.poolSize,
    maxMessages: options.messagesPerConnectionMax ?? 100,
    // One place decides about retries, and it is not this one.
    maxRequeues: 0,
    idleTimeout: options.idleMs ?? 8_000,
    connectionTimeout: timeouts.connectMs,
    greetingTimeout: timeouts.connectMs,
    // Silence on the socket, logging in included. The deadlines of a delivery are kept by `createDeadline`, which looks once
    // more before it gives up; this does not, so that it comes well after them.
    socketTimeout: Math.max(timeouts.connectMs, timeouts.envelopeMs, timeouts.finalReplyMs) + 60_000,
    // Closing means destroying: whatever is still in a buffer of a delivery that was given up must not leave.
    socketCloseTimeout: 0,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

type Deadline = {
  signal: AbortSignal;
  /** What did not happen in time, once that is so. */
  missed: string | undefined;
  start(ms: number, what: string): void;
  stop(): void;
  /** Ends the delivery now. */
  abort(): void;
};

// Aborting is nodemailer's way to end one delivery: it destroys that connection and lets the others be.
function createDeadline(): Deadline {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let lastLook: NodeJS.Immediate | undefined;
  const deadline: Deadline = {
    signal: controller.signal,
    missed: undefined,
    start(ms, what) {
      deadline.stop();
      // A process that stood still for longer (stopped, paused with its container) runs its timers before it reads what the
      // server has said meanwhile: giving up at once would throw a known answer away and make doubt of it.
      const giveUp = (): void => {
        deadline.missed = `${what} within ${ms / 1000} s`;
        controller.abort();
      };
      timer = setTimeout(() => (lastLook = setImmediate(giveUp)), ms);
    },
    stop() {
      clearTimeout(timer);
      clearImmediate(lastLook);
    },
    abort: () => controller.abort(),
  };
  return deadline;
}

function asSmtpError(error: unknown): SmtpError {
  return error instanceof Error ? error : new Error(String(error));
}
