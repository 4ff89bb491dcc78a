import type { InDoubtPolicy } from "@dripline/domain/statuses";
import type { RecipientScript } from "@dripline/testkit/smtp-by-recipient";
import type { Checkpoint } from "@dripline/worker/checkpoints";

/** How one process meets its end, or what comes close to it. */
export type Fault =
  /** The worker kills itself (SIGKILL) at this checkpoint of the first email. */
  | { readonly kind: "kill"; readonly at: Checkpoint }
  /** The worker is killed when the mail server has the last byte of the body, and has not answered. */
  | { readonly kind: "kill_before_reply" }
  /** The API is killed when the enrollment is committed and the queue has not taken its timer. */
  | { readonly kind: "kill_api_before_wake" }
  /** The worker stands still (SIGSTOP) at this checkpoint until another has settled everything, and then goes on. */
  | { readonly kind: "freeze"; readonly at: Checkpoint };

/** What is different from one person in a sequence that is always open. */
type SetUp = "daily_limit" | "opted_out" | "window_closed";

/** Everything that can be seen of the first email and of what hangs on it. */
export interface Seen {
  readonly status: string;
  readonly phase: "claimed" | "data" | null;
  readonly lease: "runs" | "over" | null;
  readonly attempts: number;
  readonly generation: number;
  readonly hasMessageId: boolean;
  /** `kind reason`, in their order. */
  readonly events: readonly string[];
  /** Outcomes in the email log, in their order. */
  readonly log: readonly string[];
  /** Whole messages that the mail server took. */
  readonly copies: number;
  /** Where the second step stands; null: it has no row. */
  readonly next: string | null;
  readonly enrollment: string;
  /** Places taken of the day's limit, if there is one. */
  readonly places: number;
}

type ByPolicy<Value> = Value | Readonly<Record<InDoubtPolicy, Value>>;

/** One row of the table in docs/crash-points.md. */
export interface CrashPoint {
  readonly name: string;
  /** What the process knew that nobody knows after its death. */
  readonly knew: string;
  readonly faults: readonly Fault[];
  readonly setUp?: SetUp;
  /** What the mail server does with the first email's attempts; the last goes on for ever. */
  readonly server?: readonly [RecipientScript, ...RecipientScript[]];
  /** Exactly what is left right after the last fault. */
  readonly left: ByPolicy<Seen>;
  /** Exactly what it comes to, once another worker has settled everything. */
  readonly becomes: ByPolicy<Seen>;
}

export function forPolicy<Value>(value: ByPolicy<Value>, policy: InDoubtPolicy): Value {
  return isByPolicy(value) ? value[policy] : value;
}

export function isByPolicy<Value>(value: ByPolicy<Value>): value is Readonly<Record<InDoubtPolicy, Value>> {
  return typeof value === "object" && value !== null && "resend" in value;
}

/** Whether the sequence's policy for doubts makes a difference here. */
export function dependsOnPolicy({ left, becomes }: CrashPoint): boolean {
  return isByPolicy(left) || isByPolicy(becomes);
}
