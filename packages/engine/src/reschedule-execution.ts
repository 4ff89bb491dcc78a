import type { MovedBy } from "@dripline/db/arrow";
import type { Queryable } from "@dripline/db/database";
import { type ExecutionFacts, loadFacts } from "@dripline/db/load-facts";
import { lockExecutions } from "@dripline/db/lock-executions";
import { rescheduleExecutions } from "@dripline/db/reschedule-executions";
import { withNote } from "@dripline/db/with-note";
import { zoneOf } from "@dripline/domain/gate";
import { type PlaceInWindow, placeInWindow } from "@dripline/domain/place-in-window";
import { explainUnmoved, type Unmoved } from "./explain-unmoved.ts";
import type { PendingWake } from "./wake-after-commit.ts";

export type RescheduleResult =
  /** `deferral`: why it is later than was asked for; null if it is not. */
  | { readonly kind: "moved"; readonly wakes: readonly PendingWake[]; readonly deferral: string | null }
  /** `opensAt`: when one opens; null if none does within 400 days, or the calendar cannot be read. */
  | { readonly kind: "window_closed"; readonly opensAt: Date | null; readonly why: string }
  | Unmoved;

type By = MovedBy & { readonly note: string };

/**
 * scheduled → scheduled at `at`, or in the next open window after it. Call it in a transaction and set the timers after
 * its commit.
 */
export async function rescheduleExecution(
  tx: Queryable,
  executionId: string,
  at: Date,
  by: By,
): Promise<RescheduleResult> {
  const facts = await lockScheduled(tx, executionId);
  if (facts === undefined) return explainUnmoved(tx, executionId, ["scheduled"]);
  const place = placeInWindow(facts, at);
  if (place.kind === "never") return { kind: "window_closed", opensAt: null, why: place.why };
  const [from, to] = [facts.execution.scheduledFor.toISOString(), place.at.toISOString()];
  const deferral = place.kind === "later" ? ` ${at.toISOString()} was asked for. ${place.why}` : "";
  const sentence = `An operator moved it from ${from} to ${to}.${deferral}`;
  return moveTo(tx, facts, { place, at, reason: "operator", sentence }, by);
}

/**
 * scheduled → scheduled, due now, if a window is open now; otherwise it answers when one opens, and moves nothing. There
 * is no way past the window: the worker's decision and the claim look at it again, for this email as for any other.
 */
export async function sendExecutionNow(tx: Queryable, executionId: string, by: By): Promise<RescheduleResult> {
  const facts = await lockScheduled(tx, executionId);
  if (facts === undefined) return explainUnmoved(tx, executionId, ["scheduled"]);
  const place = placeInWindow(facts, by.now);
  if (place.kind !== "open") {
    return { kind: "window_closed", opensAt: place.kind === "later" ? place.opensAt : null, why: place.why };
  }
  const sentence = `An operator let it go out now instead of at ${facts.execution.scheduledFor.toISOString()}.`;
  return moveTo(tx, facts, { place, at: by.now, reason: "sent_now", sentence }, by);
}

async function lockScheduled(tx: Queryable, executionId: string): Promise<ExecutionFacts | undefined> {
  await lockExecutions(tx, [executionId]);
  const [facts] = await loadFacts(tx, [executionId]);
  return facts?.execution.status === "scheduled" ? facts : undefined;
}

interface Wanted {
  readonly place: Exclude<PlaceInWindow, { kind: "never" }>;
  readonly at: Date;
  readonly reason: string;
  readonly sentence: string;
}

async function moveTo(
  tx: Queryable,
  facts: ExecutionFacts,
  { place, at, reason, sentence }: Wanted,
  by: By,
): Promise<RescheduleResult> {
  const { id: executionId, generation } = facts.execution;
  const message = withNote(sentence, by.note);
  const move = { executionId, generation, dueAt: at, scheduledFor: place.at, zone: zoneOf(facts), reason, message };
  const [moved] = await rescheduleExecutions(tx, [move], by);
  if (moved === undefined) return explainUnmoved(tx, executionId, ["scheduled"]);
  const wake = { executionId, generation: moved.generation, at: moved.scheduledFor };
  return { kind: "moved", wakes: [wake], deferral: place.kind === "later" ? place.why : null };
}
