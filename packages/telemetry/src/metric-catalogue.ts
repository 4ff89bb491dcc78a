/** What a process can be asked to measure. The role is a label of every metric: `role="api"` or `role="worker"`. */
export interface MetricDefinition {
  readonly kind: "counter" | "gauge" | "histogram";
  /** For Prometheus and for docs/metrics.md, which is written from it. */
  readonly help: string;
  readonly labels: readonly string[];
  /** Which processes have it. */
  readonly roles: readonly Role[];
  /** Only histograms; in seconds. */
  readonly buckets?: readonly number[];
  /** When to wake somebody, where it is worth that. */
  readonly alertOn?: string;
}

export type Role = "api" | "worker";

/** Nobody looks at a backlog any closer than that, and counting on would cost more the worse things are. */
export const countedMax = 100_000;

const both = ["api", "worker"] as const;
const workerOnly = ["worker"] as const;
const apiOnly = ["api"] as const;

/** Every metric of ours. The default metrics of prom-client (`process_…`, `nodejs_…`) come besides. */
export const metricCatalogue = {
  dripline_sends_total: {
    kind: "counter",
    help: "Emails by what became of them: sent, retried (will be tried again), failed, in_doubt, held (needs an operator), not_handed_over (nothing left, and no attempt was used up).",
    labels: ["outcome"],
    roles: workerOnly,
    alertOn: "any rate of `failed` or `in_doubt` that is not usual; `retried` above one in ten",
  },
  dripline_send_lateness_seconds: {
    kind: "histogram",
    help: "From the moment an email was scheduled for until the mail server had accepted it.",
    labels: [],
    roles: workerOnly,
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 14_400, 86_400],
    alertOn: "the 95th percentile over 60 s for 15 minutes",
  },
  dripline_smtp_seconds: {
    kind: "histogram",
    help: "Parts of a delivery: connection (waiting for one, greeting, TLS, login), envelope (MAIL FROM to 354), mark (our own database, before the body), body (the body until the final reply).",
    labels: ["phase"],
    roles: workerOnly,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600],
    alertOn: "the 95th percentile of `body` near `SMTP_FINAL_REPLY_SECONDS`",
  },
  dripline_smtp_replies_total: {
    kind: "counter",
    help: "What the mail server said: 2xx, 4xx, 5xx, or none (no answer came).",
    labels: ["class"],
    roles: workerOnly,
    alertOn: "`5xx` or `none` above one in twenty",
  },
  dripline_claims_lost_total: {
    kind: "counter",
    help: "Emails that somebody else claimed, or whose facts changed, between reading and claiming. A few are normal.",
    labels: [],
    roles: workerOnly,
  },
  dripline_in_hand: {
    kind: "gauge",
    help: "Emails that this worker works on at this moment.",
    labels: [],
    roles: workerOnly,
    alertOn: "0 on every worker while `dripline_due_backlog` is not",
  },
  dripline_sweep_found_total: {
    kind: "counter",
    help: "Rows that a sweep dealt with: lost wake-ups, leases of dead workers, pauses that ended.",
    labels: ["sweep"],
    roles: workerOnly,
    alertOn: "`wake-unwoken` or `rescue-leases` rising steadily: a queue that loses jobs, workers that die",
  },
  dripline_sweep_failures_total: {
    kind: "counter",
    help: "Sweeps that failed; the next one tries again. `round`: none of that round could start; `prune`: the deletion of old history, which is tried again a day later.",
    labels: ["sweep"],
    roles: workerOnly,
    alertOn: "rising for 10 minutes",
  },
  dripline_http_request_seconds: {
    kind: "histogram",
    help: "Answers of the API, by the route as the contract writes it; `unmatched` where there is none.",
    labels: ["method", "route", "status"],
    roles: apiOnly,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    alertOn: "status 500 at all; 503 for 5 minutes",
  },
  dripline_due_backlog: {
    kind: "gauge",
    help: `Emails that are due and that no worker has claimed, of the whole installation; counted up to ${countedMax}.`,
    labels: [],
    roles: both,
    alertOn: "growing for 15 minutes; workers are scaled by it",
  },
  dripline_oldest_due_age_seconds: {
    kind: "gauge",
    help: "How long the oldest of them has been due; 0 if none is.",
    labels: [],
    roles: both,
    alertOn: "over 300 s for 5 minutes",
  },
  dripline_in_doubt_open: {
    kind: "gauge",
    help: `Emails that may have been delivered or not and that nobody has settled; counted up to ${countedMax}.`,
    labels: [],
    roles: both,
    alertOn: "rising",
  },
  dripline_held: {
    kind: "gauge",
    help: `Emails that are kept back until somebody puts something right; those of a pause are not among them. Counted up to ${countedMax}.`,
    labels: [],
    roles: both,
    alertOn: "over 0: `dripline due` names them",
  },
  dripline_failed: {
    kind: "gauge",
    help: `Emails that failed for good and wait for retry, skip or unenroll; counted up to ${countedMax}.`,
    labels: [],
    roles: both,
    alertOn: "rising",
  },
  dripline_delivery_paused: {
    kind: "gauge",
    help: "Scopes (the mail server, or domains of recipients) that are slowed down to one email at a time.",
    labels: [],
    roles: both,
    alertOn: "over 0 for 10 minutes: `dripline doctor` says why",
  },
  dripline_fence_closed: {
    kind: "gauge",
    help: "1 while nothing is sent because this database is a copy or was restored and nobody has adopted it, else 0.",
    labels: [],
    roles: both,
    alertOn: "1 in production; in a copy it is what keeps people from getting email twice",
  },
  dripline_queue_jobs: {
    kind: "gauge",
    help: `Jobs in the queue by state; on the PostgreSQL backend counted up to ${countedMax}.`,
    labels: ["state"],
    roles: both,
    alertOn: "`paused` over 0: somebody paused the queue; `failed` over 0: they should never stay",
  },
  dripline_database_connections: {
    kind: "gauge",
    help: "Connections of this process' pool: used, idle; waiting counts statements that wait for one.",
    labels: ["state"],
    roles: both,
    alertOn: "`waiting` over 0 for 5 minutes",
  },
  dripline_metrics_read_failures_total: {
    kind: "counter",
    help: "Times that the database or the queue could not be asked for the gauges above, which are left out then.",
    labels: ["source"],
    roles: both,
    alertOn: "rising: `database` or `queue` is away",
  },
} as const satisfies Record<string, MetricDefinition>;

export type MetricName = keyof typeof metricCatalogue;
