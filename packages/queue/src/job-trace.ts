/**
 * What a job's options carry of the trace that asked for it, and nothing else: the job's data stays what it is. BullMQ keeps it
 * as the text `opts.telemetry.metadata`.
 */
export interface JobTrace {
  /** As in the headers `traceparent` and `tracestate` (W3C Trace Context). */
  readonly traceparent: string;
  readonly tracestate?: string;
  /** When it was put there: milliseconds since 1970, by this machine's clock. */
  readonly at: number;
  /** One of many that were asked for at once: it gets a trace of its own. */
  readonly isOneOfMany?: true;
}

/** A trace is for looking at one piece of work; a step that comes later than this is another one. */
const sameTraceMilliseconds = 3_600_000;

/** Whether what a job does belongs to the trace that asked for it; otherwise it begins one, with a link to that. */
export function continuesTrace({ at, isOneOfMany }: JobTrace, now: number): boolean {
  return isOneOfMany !== true && now - at < sameTraceMilliseconds;
}

/** Undefined: it is nothing that was put there by this program. */
export function parseJobTrace(metadata: string): JobTrace | undefined {
  try {
    const parsed = JSON.parse(metadata) as Partial<JobTrace> | null;
    if (typeof parsed?.traceparent !== "string" || typeof parsed.at !== "number") return undefined;
    return parsed as JobTrace;
  } catch {
    return undefined;
  }
}
