import {
  type Context,
  context,
  createContextKey,
  INVALID_SPAN_CONTEXT,
  propagation,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  trace,
} from "@opentelemetry/api";
import type { Telemetry } from "bullmq";
import { BullMQOTelSpan, BullMQOtel } from "bullmq-otel";
import { continuesTrace, parseJobTrace } from "./job-trace.ts";

/** In the context of a job that begins a trace: what it is to be linked to. */
const linkKey = createContextKey("dripline: the span that asked for this job");

/**
 * BullMQ's spans, on the tracer that is registered: a producer's for adding jobs and a consumer's for each that is processed.
 * A job continues the trace that its options carry, or begins one with a link to it (`continuesTrace`). What BullMQ does for
 * itself (looking for stalled jobs every few seconds, moving them) makes no spans: it would be most of what is recorded.
 */
export function jobTelemetry(now: () => number): Telemetry<Context> {
  const { tracer, contextManager } = new BullMQOtel({ tracerName: "dripline-queue" });
  return {
    tracer: {
      startSpan(name, options, parent) {
        if (options?.kind === SpanKind.INTERNAL) return silentSpan(parent ?? context.active());
        const link = parent?.getValue(linkKey) as SpanContext | undefined;
        const links = link === undefined ? {} : { links: [{ context: link }] };
        // Of a job that carries nothing; else it would be taken for a part of the job that was processed before it.
        const isRoot = options?.kind === SpanKind.CONSUMER && parent === undefined;
        return tracer.startSpan(name, { ...options, ...links, root: isRoot }, parent);
      },
    },
    contextManager: {
      with: (ctx, work) => contextManager.with(ctx, work),
      active: () => contextManager.active(),
      root: () => ROOT_CONTEXT,
      // What a job carries is put there by whoever asks for it: many share a call here, and each is of its own trace.
      getMetadata: () => "",
      fromMetadata(active, metadata) {
        const carried = parseJobTrace(metadata);
        const none = trace.deleteSpan(active);
        if (carried === undefined) return none;
        const { traceparent, tracestate } = carried;
        const found = propagation.extract(none, { traceparent, ...(tracestate === undefined ? {} : { tracestate }) });
        if (continuesTrace(carried, now())) return found;
        const link = trace.getSpanContext(found);
        return link === undefined ? none : none.setValue(linkKey, link);
      },
    },
  };
}

/** One that is not recorded and leaves its context as it is. */
function silentSpan(ctx: Context): BullMQOTelSpan {
  return new BullMQOTelSpan(trace.wrapSpanContext(trace.getSpanContext(ctx) ?? INVALID_SPAN_CONTEXT));
}
