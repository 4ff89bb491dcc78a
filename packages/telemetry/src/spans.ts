export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** A piece of work that is under way, for what it says about itself. */
export interface OpenSpan {
  event(name: string): void;
  set(attributes: SpanAttributes): void;
}

/** The headers of W3C Trace Context, by which work elsewhere is told what it is a part of. */
export interface TraceHeaders {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** One answer of a server, from the request to the last byte. */
export interface ServerSpan {
  /** Runs `work` as a part of it. */
  within<Result>(work: () => Result): Result;
  end(attributes: SpanAttributes, isFault: boolean): void;
}

/**
 * Where work tells what it is a part of, how long it takes and what came of it. Names, addresses and what a server said never
 * belong into attributes: whoever looks at traces is not always one who may see them.
 */
export interface Spans {
  readonly areRecorded: boolean;
  /** Runs `work` as a part of whatever it is called in. What it throws is thrown, and marks it. */
  run<Result>(name: string, attributes: SpanAttributes, work: (span: OpenSpan) => Promise<Result>): Promise<Result>;
  /** The work under way, for headers; undefined where none is recorded. */
  headers(): TraceHeaders | undefined;
  /** Begins an answer; `headers` are the request's. */
  serve(name: string, attributes: SpanAttributes, headers: Readonly<Record<string, unknown>>): ServerSpan;
}

const silent: OpenSpan = { event() {}, set() {} };

/** Nobody follows anything: work is run, and that is all. */
export const noSpans: Spans = {
  areRecorded: false,
  run: (_name, _attributes, work) => work(silent),
  headers: () => undefined,
  serve: () => ({ within: (work) => work(), end() {} }),
};
