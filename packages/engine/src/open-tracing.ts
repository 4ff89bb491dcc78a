import type { OpenWakeQueueOptions } from "@dripline/queue/open-wake-queue";
import { noSpans, type Spans } from "@dripline/telemetry/spans";

export interface TracingNeeds {
  /** Undefined: nobody asked for traces. */
  readonly settings: { readonly protocol: "http/protobuf" | "http/json" } | undefined;
  readonly role: string;
  readonly log: { warn(fields: object, message: string): void };
  readonly now: () => Date;
}

export interface OpenTracing {
  readonly spans: Spans;
  /** For the queue. */
  readonly telemetry: OpenWakeQueueOptions["telemetry"];
  close(): Promise<void>;
}

/** Follows emails from the request to the mail server's reply, if somebody asked for it; otherwise nothing is even loaded. */
export async function openTracing({ settings, role, log, now }: TracingNeeds): Promise<OpenTracing> {
  if (settings === undefined) return { spans: noSpans, telemetry: undefined, close: async () => {} };
  const [{ startTracing }, { jobTelemetry }] = await Promise.all([
    import("@dripline/telemetry/start-tracing"),
    import("@dripline/queue/job-telemetry"),
  ]);
  const onTrouble = (detail: string) => log.warn({ detail }, "traces cannot be handed over");
  const tracing = startTracing({ role, ...settings, onTrouble });
  return { ...tracing, telemetry: jobTelemetry(() => now().getTime()) };
}
