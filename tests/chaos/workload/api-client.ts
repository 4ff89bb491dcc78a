import { setTimeout as wait } from "node:timers/promises";
import { fractionOf } from "../random.ts";

/** One answer of the API; status null when none came in time or the connection was lost. */
export interface Answer {
  readonly sentAt: number;
  readonly answeredAt: number;
  readonly status: number | null;
  readonly body: Readonly<Record<string, unknown>>;
  readonly isReplay: boolean;
}

/** As patient as a client has reason to be: the API itself gives up on a database after five seconds. */
const timeoutMilliseconds = 8_000;

const retryMilliseconds = 100;
/** What the API asks for in Retry-After. */
const retryMillisecondsMax = 5_000;

export class ApiClient {
  readonly #base: string;
  readonly #key: string;
  readonly #seed: number;

  constructor(base: string, key: string, seed: number) {
    this.#seed = seed;
    this.#base = base;
    this.#key = key;
  }

  /** One request, once. */
  async call(
    method: string,
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const sentAt = Date.now();
    try {
      const response = await fetch(new URL(path, this.#base), {
        method,
        headers: { authorization: `Bearer ${this.#key}`, "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(timeoutMilliseconds),
      });
      const text = await response.text();
      return {
        sentAt,
        answeredAt: Date.now(),
        status: response.status,
        body: /json/.test(response.headers.get("content-type") ?? "") ? JSON.parse(text) : {},
        isReplay: response.headers.get("idempotency-replayed") === "true",
      };
    } catch {
      return { sentAt, answeredAt: Date.now(), status: null, body: {}, isReplay: false };
    }
  }

  /** The same request until it gets a definite answer; for what may be done twice, or carries an Idempotency-Key. */
  async insist(
    method: string,
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string>> = {},
    onAnswer: (answer: Answer) => void = () => {},
  ): Promise<Answer> {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await this.call(method, path, body, headers);
      onAnswer(answer);
      if (isDefinite(answer)) return answer;
      // Apart from each other: hundreds that come back together keep a server down that has just come up.
      const longest = Math.min(retryMilliseconds * 2 ** attempt, retryMillisecondsMax);
      await wait(longest * (0.5 + fractionOf(this.#seed, "retry", path, JSON.stringify(body), attempt) / 2));
    }
  }
}

/** Whether the client knows what became of its request. After a lost connection, a 5xx or "in progress" it does not. */
function isDefinite({ status, body }: Answer): boolean {
  if (status === null || status >= 500 || status === 429) return false;
  return body.code !== "idempotency_in_progress" && body.code !== "sequence_changed";
}
