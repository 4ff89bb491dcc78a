import type { Accepted, BodyStage, Phase, Refused, Reply, Unreachable } from "./transport.ts";

// Enough for any sentence of a server, and no log line of a megabyte from a hostile one.
const responseCharactersMax = 1000;

/** What nodemailer puts on its errors, as far as we read it. */
export type SmtpError = Error & {
  code?: string;
  originalCode?: string;
  command?: string;
  response?: string;
  responseCode?: number;
};

/**
 * Reads a failed delivery: an explicit 4yz or 5yz is `refused` at any stage; without one it depends on whether the body
 * had been released, because a lost connection, a reset and a timeout look the same before and after it.
 */
export function replyFromError(error: SmtpError, stage: BodyStage): Reply {
  const code = error.responseCode ?? 0;
  const refused = code >= 400 && code < 600;
  // First of all: once the body was released, a TLS or login error is as much a doubt as any other.
  if (stage === "released") {
    return refused ? refusal(error, code, "data") : { kind: "in_doubt", error: clean(error.message) };
  }
  // A 535 or a refused STARTTLS has a code as well, but it is our settings that it refuses.
  const cause = causeOf(error);
  const ours = cause === "authentication" || cause === "tls";
  return refused && !ours ? refusal(error, code, phaseOf(error, stage)) : notReached(error, stage);
}

/** A failure before any byte of a message left, or of a connection that carried none. */
export function connectionFailure(error: SmtpError): Refused | Unreachable {
  const reply = replyFromError(error, "queued");
  return reply.kind === "refused" || reply.kind === "unreachable" ? reply : notReached(error, "queued");
}

/** Reads the server's 2xx to the end of the data. */
export function replyFromAcceptance(response: string, serverMessageId: string | undefined): Accepted {
  return {
    kind: "accepted",
    response: clean(response),
    code: Number(response.slice(0, 3)),
    ...(serverMessageId === undefined ? {} : { serverMessageId }),
  };
}

/** Server text on one line, without control characters, of bounded length: it ends up in logs and tables. */
export function clean(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  const line = text.replace(/[\u0000-\u001f\u007f]+/g, " ").trim();
  return line.length > responseCharactersMax ? `${line.slice(0, responseCharactersMax)}…` : line;
}

function refusal(error: SmtpError, code: number, phase: Phase): Refused {
  const response = error.response ?? error.message;
  const enhancedCode = enhancedCodeOf(response, code);
  return {
    kind: "refused",
    permanent: phase !== "connect" && code >= 500 && code !== 503,
    phase,
    ...(error.command === "MAIL FROM" ? { refusesSender: true } : {}),
    code,
    ...(enhancedCode === undefined ? {} : { enhancedCode }),
    response: clean(response),
  };
}

// RFC 2034: the class of the enhanced code repeats the first digit of the reply; one that does not is a stray number.
function enhancedCodeOf(response: string, code: number): string | undefined {
  const found = /^\d{3}[ -]([245]\.\d{1,3}\.\d{1,3})(?:\s|$)/m.exec(response)?.[1];
  return found?.startsWith(String(code).charAt(0)) ? found : undefined;
}

function phaseOf(error: SmtpError, stage: BodyStage): Phase {
  if (stage === "asked" || stage === "released" || error.command === "DATA") return "data";
  return stage === "envelope" ? "envelope" : "connect";
}

function notReached(error: SmtpError, stage: BodyStage): Unreachable {
  const { responseCode: code, response = "" } = error;
  const enhancedCode = code === undefined ? undefined : enhancedCodeOf(response, code);
  return {
    kind: "unreachable",
    phase: phaseOf(error, stage),
    cause: causeOf(error),
    ...(code === undefined ? {} : { code }),
    ...(enhancedCode === undefined ? {} : { enhancedCode }),
    error: clean(inWords(error)),
  };
}

// EENVELOPE and EMESSAGE without a code from the server: nodemailer itself would not send it.
const causes: Record<string, Unreachable["cause"]> = {
  EAUTH: "authentication",
  ENOAUTH: "authentication",
  EOAUTH2: "authentication",
  ETLS: "tls",
  EREQUIRETLS: "tls",
  ECONFIG: "configuration",
  EENVELOPE: "configuration",
  EMESSAGE: "configuration",
  ERR_ACCESS_DENIED: "configuration",
};

// A certificate that does not verify and a server that speaks no TLS both arrive as socket errors.
const tlsTrouble = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH|EPROTO$)/;

function causeOf(error: SmtpError): Unreachable["cause"] {
  return causes[error.code ?? ""] ?? (tlsTrouble.test(error.originalCode ?? "") ? "tls" : "network");
}

// The pool's words for a connection that ended before its greeting; there were no retries (`maxRequeues: 0`).
function inWords(error: SmtpError): string {
  return error.message.startsWith("Reached maximum number of retries")
    ? "the server closed the connection before its greeting"
    : error.message;
}
