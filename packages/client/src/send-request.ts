import { type ApiProblem, readProblem } from "./api-problem.ts";
import { ApiUnreachable } from "./api-unreachable.ts";
import { type RetryPolicy, readRetryAfter, retryWait } from "./retry-policy.ts";

/** What the client needs of the world. */
export interface Surroundings {
  readonly fetch: typeof fetch;
  readonly now: () => Date;
  /** At least 0 and below 1. */
  readonly random: () => number;
  /** Resolves after so long; rejects with the signal's reason when that comes first. */
  readonly wait: (milliseconds: number, signal: AbortSignal | undefined) => Promise<void>;
}

export interface ApiRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array<ArrayBuffer> | Blob | ReadableStream<Uint8Array> | undefined;
  /** The answer is a text, and not JSON. */
  readonly isDownload: boolean;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMilliseconds: number;
  /** Whether it may be sent again without being done twice. */
  readonly isRepeatable: boolean;
}

type Attempt =
  | { readonly kind: "answered"; readonly body: unknown }
  | {
      readonly kind: "failed";
      readonly error: Error;
      readonly isPassing: boolean;
      readonly retryAfterSeconds?: number;
    };

/**
 * Sends a request until it is answered, and gives back the answer's JSON or text (undefined if it is empty).
 * @throws ApiProblem when the API refuses it; ApiUnreachable when nothing of the API answers; the signal's reason
 */
export async function sendRequest(request: ApiRequest, retry: RetryPolicy, around: Surroundings): Promise<unknown> {
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await tryRequest(request, around);
    if (outcome.kind === "answered") return outcome.body;
    const wait =
      request.isRepeatable && outcome.isPassing
        ? retryWait(retry, { attempt, retryAfterSeconds: outcome.retryAfterSeconds, random: around.random() })
        : undefined;
    if (wait === undefined) throw outcome.error;
    await around.wait(wait, request.signal);
  }
}

async function tryRequest(request: ApiRequest, around: Surroundings): Promise<Attempt> {
  const { url, method, headers, body, signal, timeoutMilliseconds } = request;
  const timeout = AbortSignal.timeout(timeoutMilliseconds);
  const init = {
    method,
    headers,
    redirect: "error" as const,
    ...(body === undefined ? {} : { body, duplex: "half" as const }),
  };
  let response: Response;
  let text: string;
  try {
    response = await around.fetch(url, {
      ...init,
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    });
    text = await response.text(); // an answer that breaks off is none
  } catch (cause) {
    signal?.throwIfAborted();
    const what = timeout.aborted ? `did not answer within ${timeoutMilliseconds} ms` : "could not be reached";
    const error = new ApiUnreachable(`${method} ${url}: the API ${what}.`, { cause });
    return { kind: "failed", error, isPassing: true };
  }
  if (response.ok && request.isDownload) return { kind: "answered", body: text };
  const json = parseJson(response, text);
  if (response.ok && (json !== undefined || text === "")) return { kind: "answered", body: json };

  const error = readProblem(json) ?? notOfTheApi(request, response.status);
  const seconds = readRetryAfter(response.headers.get("retry-after"), around.now());
  return {
    kind: "failed",
    error,
    isPassing: isPassing(error),
    ...(seconds === undefined ? {} : { retryAfterSeconds: seconds }),
  };
}

/** Whether the same request may succeed a little later. */
function isPassing(error: ApiProblem | ApiUnreachable): boolean {
  if (error instanceof ApiUnreachable) return [429, 502, 503, 504].includes(error.status ?? 0);
  // The attempt before this one was cut off, and is still worked on: its answer comes when it is asked for again.
  return error.status === 429 || error.status === 503 || error.code === "idempotency_in_progress";
}

function notOfTheApi({ method, url }: ApiRequest, status: number): ApiUnreachable {
  const message = `${method} ${url}: the answer (${status}) is not one of Dripline's. Is the address right, and what stands before it?`;
  return new ApiUnreachable(message, { status });
}

function parseJson(response: Response, text: string): unknown {
  if (!/\bjson\b/.test(response.headers.get("content-type") ?? "")) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
