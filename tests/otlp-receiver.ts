import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: string | number; readonly boolValue?: boolean };
}

export interface ReceivedSpan {
  readonly service: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly events: readonly string[];
  /** Traces that it is linked to. */
  readonly links: readonly string[];
  readonly attributes: Readonly<Record<string, string>>;
}

export interface OtlpReceiver {
  readonly url: string;
  readonly spans: ReceivedSpan[];
  /** Everything that was handed over, as it came. */
  readonly bodies: string[];
  close(): Promise<void>;
}

interface OtlpSpan extends Pick<ReceivedSpan, "traceId" | "spanId" | "name"> {
  readonly parentSpanId?: string;
  readonly events?: readonly { readonly name: string }[];
  readonly links?: readonly { readonly traceId: string }[];
  readonly attributes?: readonly Attribute[];
}

interface OtlpRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

/** As much of an OpenTelemetry collector as takes spans over HTTP, as JSON. */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
    request.on("end", () => {
      bodies.push(body);
      const { resourceSpans } = JSON.parse(body) as OtlpRequest;
      for (const { resource, scopeSpans } of resourceSpans) {
        const service = textsOf(resource.attributes)["service.name"] ?? "";
        for (const span of scopeSpans.flatMap((scope) => scope.spans)) spans.push(receive(service, span));
      }
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    bodies,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function receive(service: string, { traceId, spanId, parentSpanId, name, ...span }: OtlpSpan): ReceivedSpan {
  return {
    service,
    traceId,
    spanId,
    name,
    parentSpanId: parentSpanId === "" ? undefined : parentSpanId,
    events: (span.events ?? []).map((event) => event.name),
    links: (span.links ?? []).map((link) => link.traceId),
    attributes: textsOf(span.attributes ?? []),
  };
}

function textsOf(attributes: readonly Attribute[]): Record<string, string> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, String(Object.values(value)[0])]));
}
