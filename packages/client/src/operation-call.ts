import type { Operation } from "@dripline/contract/operations";
import type { z } from "zod";

/** What can be said with every call. */
export interface CallOptions {
  /** Ends the call, waits between attempts included; it then throws the signal's reason. */
  readonly signal?: AbortSignal;
  /** For each attempt; else what the client was made with. */
  readonly timeoutMilliseconds?: number;
}

// Of one operation at a time: in brackets, no condition spreads over the union of all, which the compiler could not hold.
type Schema<O, Part extends string> = [O] extends [{ readonly [P in Part]: infer S extends z.ZodType }] ? S : undefined;

/** JSON as it is sent: an instant is a text such as "2027-01-01T09:00:00Z". */
type Params<O> =
  Schema<O, "params"> extends infer S extends z.ZodType ? { readonly params: z.input<S> } : { readonly params?: never };

type Body<O> =
  Schema<O, "body"> extends infer S extends z.ZodType
    ? object extends z.input<S>
      ? { readonly body?: z.input<S> }
      : { readonly body: z.input<S> }
    : { readonly body?: never };

type Query<O> =
  Schema<O, "query"> extends infer S extends z.ZodObject
    ? { readonly query?: { readonly [Name in keyof S["shape"]]?: QueryValue<S["shape"][Name]> | undefined } }
    : { readonly query?: never };

/** A parameter is text in the address; what it means can be given as well: `true`, `20`, a Date. */
type QueryValue<S> = S extends z.ZodType
  ?
      | (unknown extends z.input<S> ? never : NonNullable<z.input<S>>)
      | Extract<NonNullable<z.output<S>>, string | number | boolean | Date>
  : never;

type IdempotencyKey<O> = [O] extends [{ readonly writes: false }]
  ? unknown
  : [O] extends [{ readonly method: "POST" }]
    ? {
        /** Left out, each call makes one of its own and keeps it through its attempts. Give one to repeat a call safely. */
        readonly idempotencyKey?: string;
      }
    : unknown;

type IfMatch<O> = [O] extends [{ readonly takesIfMatch: true }]
  ? {
      /** The `revision` that you read: if somebody edited it since, nothing is written (`precondition_failed`). */
      readonly ifMatch?: number;
    }
  : unknown;

type FileBody<O> = [O] extends [{ readonly file: { readonly contentTypes: readonly (infer Type)[] } }]
  ? {
      /** Sent as it is; a stream is not held in memory. Give a large one the time that it takes. */
      readonly file: string | Uint8Array<ArrayBuffer> | Blob | ReadableStream<Uint8Array>;
      /** Left out: the first that the operation takes. */
      readonly contentType?: Type;
    }
  : unknown;

export type CallInput<O> = Params<O> & Query<O> & Body<O> & FileBody<O> & IdempotencyKey<O> & IfMatch<O> & CallOptions;

/**
 * JSON as it comes, as the contract describes it: an instant is a text in UTC. A download is its text, and undefined an
 * empty answer.
 */
export type CallOutput<O> = [O] extends [{ readonly success: 204 }]
  ? undefined
  : Schema<O, "output"> extends infer S extends z.ZodType
    ? z.input<S>
    : never;

/** The rows of a list, one after another. */
interface Listing<O> {
  /** Every row on every page, from `query.cursor` or the start. A page is asked for when the one before it is used up. */
  readonly all: (input?: CallInput<O>) => AsyncIterableIterator<RowOf<CallOutput<O>>>;
}

type RowOf<Page> = Page extends { results: (infer Row)[]; next: string | null } ? Row : never;

type Method<O> =
  object extends CallInput<O>
    ? (input?: CallInput<O>) => Promise<CallOutput<O>>
    : (input: CallInput<O>) => Promise<CallOutput<O>>;

type IsList<O> = Schema<O, "query"> extends { readonly shape: { readonly cursor: unknown } } ? true : false;

/** One method for each operation of the API, by its id. */
export type Client = {
  readonly [O in Operation as O["id"]]: IsList<O> extends true ? Method<O> & Listing<O> : Method<O>;
};
