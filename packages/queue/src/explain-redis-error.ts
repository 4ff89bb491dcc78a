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
    const remedy =
      certificate === "ERR_TLS_CERT_ALTNAME_INVALID"
        ? "write the name that is in it into REDIS_URL"
        : "name the authority that signed it in REDIS_URL, with ?ca_file=/path/to/ca.pem";
    return answer(`has a certificate that is not trusted (${certificate}): ${remedy}.`);
  }
  if (found(/cluster support disabled/i)) return answer("is no cluster: write redis:// instead of redis+cluster://.");
  if (found(/invalid reply: null/i) || found(/No such master/i)) {
    return answer("cannot be found: these Sentinels know no master of that name; correct REDIS_URL.");
  }
  // LOADING, CLUSTERDOWN, MISCONF: it is there, and will be right again, or somebody puts it right.
  const reply = error instanceof Error && error.name === "ReplyError" ? `answers: ${error.message}` : undefined;
  const isThere = target.tls === undefined ? "is it running" : "is it running, does it speak TLS there";
  const sentence = reply ?? `cannot be reached: ${isThere}, and is REDIS_URL right?`;
  return new RedisUnusableError(`${where} ${sentence}`, { isAnswer: false, cause: error });
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
