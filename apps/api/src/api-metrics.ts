import { type MetricRegistry, makeHistogram } from "@dripline/telemetry/instruments";

export interface AnsweredRequest {
  readonly method: string;
  /** As the contract writes it, never as it was asked for: a label for every id would fill the memory of whoever scrapes. */
  readonly route: string | undefined;
  readonly status: number;
  readonly seconds: number;
}

export interface ApiMetrics {
  answered(request: AnsweredRequest): void;
}

export function makeApiMetrics(registry: MetricRegistry): ApiMetrics {
  const seconds = makeHistogram(registry, "dripline_http_request_seconds");
  return {
    answered: ({ method, route = "unmatched", status, seconds: took }) =>
      seconds.observe({ method, route, status: String(status) }, took),
  };
}
