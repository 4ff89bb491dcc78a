import {
  type Attributes,
  context,
  DiagLogLevel,
  diag,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { OTLPTraceExporter as JsonExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import type { OpenSpan, Spans, TraceHeaders } from "./spans.ts";

export interface TracingOptions {
  readonly role: string;
  readonly protocol: "http/protobuf" | "http/json";
  /** Spans that could not be handed over, in a sentence; at most once a minute. */
  readonly onTrouble: (message: string) => void;
}

export interface Tracing {
  readonly spans: Spans;
  /** Hands over what is left, and gives up after a while. */
  close(): Promise<void>;
}

const troubleMilliseconds = 60_000;
const closeMilliseconds = 2_000;

/**
 * Records spans and hands them over by OTLP, to where the standard variables say (`OTEL_EXPORTER_OTLP_ENDPOINT` and the like,
 * which the SDK reads itself, as it does `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_TRACES_SAMPLER`).
 *
 * The tracer is registered for the whole process, because that is where BullMQ's spans look for it. Call it once, and import
 * this file only where somebody asked for traces: it loads the SDK.
 */
export function startTracing({ role, protocol, onTrouble }: TracingOptions): Tracing {
  let toldAt = -Infinity;
  const tell = (message: string): void => {
    if (performance.now() - toldAt < troubleMilliseconds) return;
    toldAt = performance.now();
    onTrouble(message);
  };
  const silent = (): void => {};
  diag.setLogger({ error: tell, warn: tell, info: silent, debug: silent, verbose: silent }, DiagLogLevel.WARN);

  const exporter = protocol === "http/json" ? new JsonExporter() : new ProtobufExporter();
  const provider = new NodeTracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ "service.name": `dripline-${role}`, "dripline.role": role }))
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  provider.register();

  return {
    spans: recordedSpans(),
    async close() {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, closeMilliseconds);
      });
      await Promise.race([provider.shutdown().catch(() => {}), late]);
      clearTimeout(timer);
    },
  };
}

function recordedSpans(): Spans {
  const tracer = trace.getTracer("dripline");
  return {
    areRecorded: true,
    run: (name, attributes, work) =>
      tracer.startActiveSpan(name, { attributes: { ...attributes } }, async (span) => {
        try {
          return await work(openSpan(span));
        } catch (error) {
          markFailed(span, error);
          throw error;
        } finally {
          span.end();
        }
      }),
    headers() {
      const headers: Record<string, string> = {};
      propagation.inject(context.active(), headers);
      return headers.traceparent === undefined ? undefined : (headers as unknown as TraceHeaders);
    },
    serve(name, attributes, headers) {
      const parent = propagation.extract(context.active(), headers);
      const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes: { ...attributes } }, parent);
      const within = trace.setSpan(parent, span);
      return {
        within: (work) => context.with(within, work),
        end(more, isFault) {
          span.setAttributes(more as Attributes);
          if (isFault) span.setStatus({ code: SpanStatusCode.ERROR });
          span.end();
        },
      };
    },
  };
}

function openSpan(span: Span): OpenSpan {
  return {
    event: (name) => void span.addEvent(name),
    set: (attributes) => void span.setAttributes(attributes as Attributes),
  };
}

/** By its kind only: what an error says may hold an address. The log has its words, redacted. */
function markFailed(span: Span, error: unknown): void {
  const { name, code } = error as { readonly name?: unknown; readonly code?: unknown };
  span.setStatus({ code: SpanStatusCode.ERROR });
  span.setAttribute("error.type", String(code ?? name ?? "unknown"));
}
