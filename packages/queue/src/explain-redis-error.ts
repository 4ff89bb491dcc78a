import { describeRedis, type RedisTarget } from "./redis-url.ts";

/** Why a Redis cannot be used, in a sentence for people that names it, never the password, and what to do. */
export class RedisUnusableError extends Error {
  override readonly name = "RedisUnusableError";
  /** It is there, and refuses us: waiting does not help. */
  readonly isAnswer: boolean;

  constructor(message: string, { isAnswer, cause }: { isAnswer: boolean; cause: unknown }) {
    super(message, { cause });
    this.isAnswer = isAnswer;
  }
}

const certificateCodes = new Set([
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
  "ERR_TLS_CERT_ALTNAME_INVALID",
]);

/** Refusals that end when somebody does this; whoever waits for the server goes on by itself then. */
const whatToDoOf: Readonly<Record<string, string>> = {
  OOM: "its memory is full; raise maxmemory, or see what else is in it",
  MISCONF: "it cannot save to its disk; make room there, its log says more",
  NOREPLICAS: "fewer replicas follow it than min-replicas-to-write wants; start them, or lower that",
};

/** What an error of connecting means. ioredis names its own settings in its errors; an operator wants to know the server. */
export function explainRedisError(error: unknown, target: RedisTarget): RedisUnusableError {
  const where = `Redis at ${describeRedis(target)}`;
  const answer = (sentence: string) => new RedisUnusableError(`${where} ${sentence}`, { isAnswer: true, cause: error });
  const { texts, codes } = gather(error);
  const found = (pattern: RegExp) => texts.find((text) => pattern.test(text));

  const login = found(/\b(NOAUTH|WRONGPASS|NOPERM|ERR AUTH)\b|invalid username-password|no password is set/i);
  if (login !== undefined) {
    const word = /\b(NOAUTH|WRONGPASS|NOPERM)\b/.exec(login)?.[0] ?? "AUTH";
    return answer(
      word === "NOPERM"
        ? "allows this user too little (NOPERM): give it all commands on keys and channels that begin with {dripline}, or use another in REDIS_URL."
        : `refuses the log-in (${word}): correct user and password in REDIS_URL.`,
    );
  }
  const certificate = codes.find((code) => certificateCodes.has(code));
  if (certificate !== undefined) {
    return answer(`has a certificate that is not trusted (${certificate}): ${trustRemedy(certificate)}.`);
  }
  if (found(/cluster support disabled/i)) return answer("is no cluster: write redis:// instead of redis+cluster://.");
  if (found(/invalid reply: null/i) || found(/No such master/i)) {
    return answer("cannot be found: these Sentinels know no master of that name; correct REDIS_URL.");
  }
  const refusal = error instanceof Error ? /^(OOM|MISCONF|NOREPLICAS)\b/.exec(error.message)?.[1] : undefined;
  if (refusal !== undefined) {
    const sentence = `takes no writes (${refusal}), so nothing is sent, and nothing is lost: ${whatToDoOf[refusal]}.`;
    return new RedisUnusableError(`${where} ${sentence}`, { isAnswer: false, cause: error });
  }
  // LOADING, CLUSTERDOWN: it is there, and will be right again, or somebody puts it right.
  const reply = error instanceof Error && error.name === "ReplyError" ? `answers: ${error.message}` : undefined;
  const sentence = reply ?? `cannot be reached: ${guess(target)}, and is REDIS_URL right?`;
  return new RedisUnusableError(`${where} ${sentence}`, { isAnswer: false, cause: error });
}

function trustRemedy(code: string): string {
  switch (code) {
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return "write the name that is in it into REDIS_URL";
    case "CERT_HAS_EXPIRED":
      return "renew it";
    case "CERT_NOT_YET_VALID":
      return "look at this machine's clock and at the server's";
    default:
      return "name the authority that signed it in REDIS_URL, with ?ca_file=/path/to/ca.pem";
  }
}

/** A server that speaks no TLS, or wants a certificate of ours, closes the connection without a word, as if it were down. */
function guess({ tls }: RedisTarget): string {
  if (tls === undefined) return "is it running";
  const mayWantOurs = tls.cert === undefined ? ", does it want a certificate (cert_file, or tls-auth-clients no)" : "";
  return `is it running, does it speak TLS there${mayWantOurs}`;
}

/** What all errors inside say: a cluster's names only that none of its nodes could be asked. */
function gather(error: unknown): { texts: string[]; codes: string[] } {
  const [texts, codes]: [string[], string[]] = [[], []];
  const seen = new Set<unknown>();
  const visit = (each: unknown): void => {
    if (typeof each !== "object" || each === null || seen.has(each)) return;
    seen.add(each);
    const { message, code, cause, errors, lastNodeError, previousErrors } = each as Record<string, unknown>;
    if (typeof message === "string") texts.push(message);
    if (typeof code === "string") codes.push(code);
    for (const inner of [cause, lastNodeError, ...list(errors), ...list(previousErrors)]) visit(inner);
  };
  visit(error);
  return { texts, codes };
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
