import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { context, diag, propagation, trace } from "@opentelemetry/api";
import { afterEach, expect, test } from "vitest";
import { startTracing } from "./start-tracing.ts";

let server: Server | undefined;
afterEach(async () => {
  for (const api of [trace, context, propagation, diag]) api.disable();
  delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
  server = undefined;
});

/** A collector that keeps what it is given; the SDK finds it by the standard variable. */
async function startCollector(): Promise<{ type: string | undefined; body: string }[]> {
  const received: { type: string | undefined; body: string }[] = [];
  const collector = createServer((request, response) => {
    let body = "";
    request.setEncoding("latin1").on("data", (chunk: string) => (body += chunk));
    request.on("end", () => {
      received.push({ type: request.headers["content-type"], body });
      response.writeHead(200).end();
    });
  });
  server = collector;
  await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  return received;
}

test("what is left is handed over at the end, in protobuf, and an error by its code without its words", async () => {
  const received = await startCollector();
  const { spans, close } = startTracing({ role: "worker", protocol: "http/protobuf", onTrouble: () => {} });
  const error = Object.assign(new Error("no mailbox for ann.person@example.com"), { code: "EENVELOPE" });

  await expect(spans.run("deliver", { "dripline.attempt": 1 }, () => Promise.reject(error))).rejects.toBe(error);
  await close();

  expect(received).toEqual([{ type: "application/x-protobuf", body: expect.stringContaining("deliver") }]);
  expect(received[0]?.body).toContain("dripline-worker");
  expect(received[0]?.body).toContain("EENVELOPE");
  expect(received[0]?.body).not.toContain("ann.person");
});

test("work within work is told so by the headers that lead elsewhere", async () => {
  await startCollector();
  const { spans, close } = startTracing({ role: "api", protocol: "http/json", onTrouble: () => {} });
  expect(spans.headers()).toBeUndefined();

  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  const request = spans.serve("POST /", {}, { traceparent: `00-${traceId}-00f067aa0ba902b7-01` });
  const headers = await request.within(() => spans.run("wake", {}, async () => spans.headers()));
  request.end({}, false);
  await close();

  expect(headers?.traceparent).toMatch(new RegExp(`^00-${traceId}-(?!00f067aa0ba902b7)[0-9a-f]{16}-01$`));
});

test("a collector that is away keeps nobody from ending", async () => {
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = "http://127.0.0.1:9";
  const { spans, close } = startTracing({ role: "worker", protocol: "http/protobuf", onTrouble: () => {} });
  expect(await spans.run("compose", {}, async () => "done")).toBe("done");

  const began = performance.now();
  await close();
  expect(performance.now() - began).toBeLessThan(5_000);
});
