import type { InDoubtPolicy } from "@dripline/domain/statuses";
import type { ProcessEnd } from "../services/supervised.ts";
import type { SinkEntry } from "../sink/sink-entry.ts";

// All instants are milliseconds since 1970. Those of the database and of the sink come from the same machine's clock.

/** What the run was: settings that the checker needs to judge it. */
interface RunFacts {
  readonly seed: number;
  readonly startedAt: number;
  /** When the last fault was over. */
  readonly lastFaultAt: number;
  /** When nothing was left to wait for; null if that did not happen in time. */
  readonly drainedAt: number | null;
  readonly claimLeaseMilliseconds: number;
  readonly dataLeaseMilliseconds: number;
  readonly stepsPerSequence: number;
  /** How many of each kind of fault were to strike. */
  readonly plannedFaults: Readonly<Record<string, number>>;
  /** A run of planned restarts: nothing may come into doubt, and every process ends in order. */
  readonly isDeploy: boolean;
}

/** A row of step_execution as the run left it. */
export interface ExecutionRow {
  readonly id: string;
  readonly enrollmentId: string;
  readonly stepNumber: number;
  readonly status: string;
  readonly messageId: string | null;
  readonly holdReason: string | null;
  readonly errorMessage: string | null;
  /** Reasons of its events, oldest first. */
  readonly reasons: readonly string[];
}

/** A row of sequence_enrollment as the run left it, with who and where. */
export interface EnrollmentRow {
  readonly id: string;
  readonly sequenceId: string;
  readonly policy: InDoubtPolicy;
  readonly recipient: string;
  readonly status: string;
  readonly endReason: string | null;
}

/** One change of a row of step_execution; `from` is null for a new row. */
export interface Transition {
  /** In the order in which the database logged them; of one row, that is the order in which they happened. */
  readonly seq: number;
  /** Inside the transaction, so a little before its commit. */
  readonly at: number;
  readonly executionId: string;
  readonly from: ExecutionState | null;
  readonly to: ExecutionState;
}

export interface ExecutionState {
  readonly status: string;
  readonly phase: string | null;
  readonly generation: number;
  readonly attemptCount: number;
  readonly scheduledFor: number;
  /** The log of what was handed over last. */
  readonly emailLogId: string | null;
}

/** A contact that opted out; logged inside the transaction. */
export interface OptOut {
  readonly at: number;
  readonly recipient: string;
}

/** One HTTP request that enrolls somebody, and what came back; status null for a time-out or a lost connection. */
export interface EnrollRequest {
  readonly key: string;
  readonly sequenceId: string;
  readonly recipient: string;
  readonly sentAt: number;
  readonly answeredAt: number;
  readonly status: number | null;
  readonly code: string | null;
  readonly enrollmentId: string | null;
  readonly isReplay: boolean;
}

/** The windows of a sequence, from an edit on. */
export interface WindowsInForce {
  readonly sequenceId: string;
  /** When the edit was asked for: from then on it may hold. */
  readonly askedAt: number;
  /** When it was answered: from then on the ones before do not hold any more. */
  readonly answeredAt: number;
  /** Half-open. */
  readonly openings: readonly (readonly [number, number])[];
}

/** A fault that struck. */
export interface Fault {
  readonly at: number;
  readonly until: number;
  readonly kind: string;
  readonly target: string;
}

/** Everything that was seen of one run: what the checker judges, and what is kept of a run that failed. */
export interface History {
  readonly run: RunFacts;
  readonly sink: readonly SinkEntry[];
  readonly executions: readonly ExecutionRow[];
  readonly enrollments: readonly EnrollmentRow[];
  readonly transitions: readonly Transition[];
  readonly optOuts: readonly OptOut[];
  readonly requests: readonly EnrollRequest[];
  readonly windows: readonly WindowsInForce[];
  readonly faults: readonly Fault[];
  readonly ends: readonly ProcessEnd[];
}
