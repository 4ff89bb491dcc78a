import { groupBy } from "../group-by.ts";
import type { ExecutionRow, History, Transition } from "../history/history.ts";
import { isAccepted, type SinkEntry } from "../sink/sink-entry.ts";

/** What arrived of each execution's message, oldest first; without those whose Message-ID belongs to none. */
export function arrivalsByExecution({ executions, sink }: History): Map<string, SinkEntry[]> {
  const byMessage = new Map(
    executions.flatMap(({ id, messageId }) => (messageId === null ? [] : [[messageId, id] as const])),
  );
  const known = sink.filter((entry) => isAccepted(entry) && byMessage.has(entry.messageId ?? ""));
  return groupBy(
    known.toSorted((a, b) => a.at - b.at),
    ({ messageId }) => byMessage.get(messageId ?? "") ?? "",
  );
}

export function transitionsByExecution({ transitions }: History): Map<string, Transition[]> {
  return groupBy(
    transitions.toSorted((a, b) => a.seq - b.seq),
    ({ executionId }) => executionId,
  );
}

/** When doubts about an execution were recorded, oldest first. */
export function doubtsOf(transitions: readonly Transition[] | undefined): number[] {
  return (transitions ?? []).filter(isDoubt).map(({ at }) => at);
}

/** It is listed as in doubt; or, where it is sent again, what was handed over is logged as such and it waits for its turn. */
function isDoubt({ from, to }: Transition): boolean {
  if (to.status === "in_doubt") return from?.status !== "in_doubt";
  return from?.phase === "data" && to.status === "scheduled" && to.emailLogId !== from.emailLogId;
}

export function executionsByEnrollment({ executions }: History): Map<string, ExecutionRow[]> {
  return groupBy(
    executions.toSorted((a, b) => a.stepNumber - b.stepNumber),
    ({ enrollmentId }) => enrollmentId,
  );
}

/** An instant as a reader can find it in the logs. */
export function clock(at: number): string {
  return new Date(at).toISOString().slice(11, 23);
}
