import { context, propagation, trace } from "@opentelemetry/api";
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";
import { SpanKind } from "bullmq";
import { afterAll, beforeEach, expect, test } from "vitest";
import { jobTelemetry } from "./job-telemetry.ts";

// The real SDK, whose spans stay in memory.
const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
provider.register();
afterAll(async () => {
  await provider.shutdown();
  for (const api of [trace, context, propagation]) api.disable();
});
beforeEach(() => exporter.reset());

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const carried = (more: object = {}) =>
  JSON.stringify({ traceparent: `00-${traceId}-00f067aa0ba902b7-01`, at: 0, ...more });

/** What BullMQ does for a job that carries this, `now` milliseconds after 1970. */
function processJob(metadata: string | undefined, now: number) {
  const { tracer, contextManager } = jobTelemetry(() => now);
  const parent = metadata === undefined ? undefined : contextManager.fromMetadata(contextManager.active(), metadata);
  tracer.startSpan("process wakes", { kind: SpanKind.CONSUMER }, parent).end();
  const [span] = exporter.getFinishedSpans();
  return { traceId: span?.spanContext().traceId, links: span?.links.map((link) => link.context.traceId) };
}

test("a job that runs soon is a part of the trace that asked for it", () => {
  expect(processJob(carried(), 1_000)).toEqual({ traceId, links: [] });
});

test("a job that runs three days later begins a trace, with a link to the one that asked", () => {
  const { traceId: own, links } = processJob(carried(), 3 * 86_400_000);
  expect(own).not.toBe(traceId);
  expect(links).toEqual([traceId]);
});

test("a job that carries nothing is no part of the job before it", () => {
  const before = trace.getTracer("test").startSpan("process wakes");
  const after = context.with(trace.setSpan(context.active(), before), () => processJob(undefined, 0));
  expect(after.traceId).not.toBe(before.spanContext().traceId);
});

test("what BullMQ does for itself is not recorded", () => {
  const { tracer } = jobTelemetry(() => 0);
  tracer.startSpan("moveStalledJobsToWait wakes", { kind: SpanKind.INTERNAL }).end();
  expect(exporter.getFinishedSpans()).toEqual([]);
});
