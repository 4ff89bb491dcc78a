import { setTimeout as wait } from "node:timers/promises";

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

export class ApiClient {
  readonly #base: string;
  readonly #key: string;

  constructor(base: string, key: string) {
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
      await wait(Math.min(100 * 2 ** attempt, 2_000));
    }
  }
}

/** Whether the client knows what became of its request. After a lost connection, a 5xx or "in progress" it does not. */
function isDefinite({ status, body }: Answer): boolean {
  if (status === null || status >= 500 || status === 429) return false;
  return body.code !== "idempotency_in_progress" && body.code !== "sequence_changed";
}
