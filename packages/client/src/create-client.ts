import type { OperationDefinition } from "@dripline/contract/operation";
import { operations } from "@dripline/contract/operations";
import type { CallOptions, Client } from "./operation-call.ts";
import { defaultRetryPolicy, type RetryPolicy } from "./retry-policy.ts";
import { type ApiRequest, type Surroundings, sendRequest } from "./send-request.ts";

export interface ClientOptions {
  /** Where the API is: "https://dripline.example.com". A path in it is kept. */
  readonly url: string;
  /** `dk_…`; without one only the public operations answer. */
  readonly apiKey?: string | undefined;
  readonly retry?: Partial<RetryPolicy>;
  /** For each attempt. Default: 30 seconds. */
  readonly timeoutMilliseconds?: number;
  /** A fetch of your own, for a proxy or for tests. */
  readonly fetch?: typeof fetch;
}

const timeoutMillisecondsDefault = 30_000;
/** A file takes as long as the line to the server needs for it. */
const uploadMilliseconds = 600_000;

/** What a call is made with, whatever the operation. */
interface AnyInput extends CallOptions {
  readonly params?: Readonly<Record<string, unknown>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
  readonly file?: ApiRequest["body"];
  readonly contentType?: string;
  readonly idempotencyKey?: string;
  readonly ifMatch?: number;
}

/**
 * A client with one method for each operation of the API: `await client.enroll({ body: { … } })`. Lists have `all`, which
 * walks through every page. What goes out and what comes back is the JSON of the contract; instants are texts.
 *
 * What failed for a passing reason (the network, a timeout, 429, 502, 503, 504) is sent again, after a wait with jitter or
 * what `Retry-After` asks for, if it cannot be done twice by that: reads, and POSTs, each of which carries an
 * `Idempotency-Key`. PUT, PATCH and DELETE are sent once.
 *
 * A call throws `ApiProblem` when the API refuses it, and `ApiUnreachable` when nothing of the API answered.
 */
export function createClient(options: ClientOptions): Client {
  return Object.fromEntries(operations.map((operation) => [operation.id, methodFor(operation, options)])) as never;
}

function methodFor(operation: OperationDefinition, options: ClientOptions) {
  const call = (input: AnyInput = {}) => callOperation(operation, input, options);
  if (operation.query?.shape.cursor === undefined) return call;
  return Object.assign(call, { all: (input: AnyInput = {}) => rowsOf(call as ListCall, input) });
}

function callOperation(operation: OperationDefinition, input: AnyInput, options: ClientOptions): Promise<unknown> {
  const { method, path, writes } = operation;
  const isWritingPost = method === "POST" && writes !== false;
  const headers = {
    accept: "application/json, application/problem+json, */*;q=0.5",
    ...(options.apiKey === undefined ? {} : { authorization: `Bearer ${options.apiKey}` }),
    ...(input.body === undefined ? {} : { "content-type": "application/json" }),
    ...(operation.file === undefined ? {} : { "content-type": input.contentType ?? operation.file.contentTypes[0] }),
    ...(isWritingPost ? { "idempotency-key": input.idempotencyKey ?? crypto.randomUUID() } : {}),
    ...(input.ifMatch === undefined ? {} : { "if-match": `"${input.ifMatch}"` }),
  };
  return sendRequest(
    {
      url: addressOf(options.url, path, input),
      method,
      headers,
      body: input.body === undefined ? input.file : JSON.stringify(input.body),
      isDownload: operation.download !== undefined,
      signal: input.signal,
      timeoutMilliseconds:
        input.timeoutMilliseconds ??
        (operation.file === undefined ? undefined : uploadMilliseconds) ??
        options.timeoutMilliseconds ??
        timeoutMillisecondsDefault,
      isRepeatable: method === "GET" || method === "POST",
    },
    { ...defaultRetryPolicy, ...options.retry },
    { ...surroundings, ...(options.fetch === undefined ? {} : { fetch: options.fetch }) },
  );
}

function addressOf(url: string, path: string, { params = {}, query = {} }: AnyInput): string {
  const filled = path.replaceAll(/\{([^}]+)\}/g, (_, name: string) => {
    const value = params[name];
    // An empty one would be the address of something else: of the list.
    if (value === undefined || value === "") throw new TypeError(`${path}: params.${name} is missing.`);
    return encodeURIComponent(String(value));
  });
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const search = new URLSearchParams(given.map(([name, value]): [string, string] => [name, textOf(value)])).toString();
  return `${url.replace(/\/+$/, "")}${filled}${search === "" ? "" : `?${search}`}`;
}

function textOf(value: unknown): string {
  return value instanceof Date ? value.toISOString() : String(value);
}

type ListCall = (input: AnyInput) => Promise<{ readonly results: readonly unknown[]; readonly next: string | null }>;

/** Only the cursor of `next` is taken: the server may know itself by another address than this client does. */
async function* rowsOf(call: ListCall, input: AnyInput): AsyncGenerator<unknown, void, undefined> {
  let { query = {} } = input;
  for (;;) {
    const page = await call({ ...input, query });
    yield* page.results;
    const cursor = page.next === null ? null : new URL(page.next).searchParams.get("cursor");
    if (cursor === null) return;
    query = { ...query, cursor };
  }
}

const surroundings: Surroundings = {
  fetch: (...request) => fetch(...request),
  now: () => new Date(),
  random: Math.random,
  wait: (milliseconds, signal) =>
    new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const stop = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", stop);
        resolve();
      }, milliseconds);
      signal?.addEventListener("abort", stop, { once: true });
    }),
};
