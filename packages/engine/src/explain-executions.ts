import type { Database, Queryable } from "@dripline/db/database";
import { inSnapshot } from "@dripline/db/in-snapshot";
import { type ExecutionFacts, loadFacts } from "@dripline/db/load-facts";
import { readDeliveryBackoffs } from "@dripline/db/queries/read-delivery-backoffs";
import { type NamedExecutionRecord, readExecutionRecords } from "@dripline/db/queries/read-execution-records";
import { readThrottleState } from "@dripline/db/queries/read-throttle-state";
import { readFence } from "@dripline/db/read-fence";
import type { Pace } from "@dripline/domain/delay";
import { domainOf, domainScope, TRANSPORT_SCOPE } from "@dripline/domain/delivery-backoff";
import { type ExplainedGate, explainSend } from "@dripline/domain/explain-send";
import type { ClosedFence } from "@dripline/domain/fence";
import { isOverdue } from "@dripline/domain/lateness";
import type { ExecutionStatus } from "@dripline/domain/statuses";
import { limitsOfEmail, type SendLimits } from "@dripline/domain/throttle";
import type { Throttle } from "@dripline/domain/throttle-gate";
import { isTimeZone } from "@dripline/domain/time-zone";

export interface ExplainDeps {
  readonly db: Database;
  readonly pace: Pace;
  readonly limits: SendLimits;
  /** The sender's address, for its limit of emails a day; null where it is not known. */
  readonly sender: string | null;
  /** As the workers have it, where it is known. */
  readonly publicUrl: string | undefined;
}

/** Why an email goes out when it does, or does not; in the words of the API, which the command prints as well. */
export interface ExecutionExplanation {
  readonly execution: string;
  readonly status: ExecutionStatus;
  readonly enrollment: string;
  readonly sequence: string;
  readonly sequence_name: string;
  readonly step_number: number;
  readonly step_name: string;
  readonly contact_email: string;
  readonly summary: string;
  readonly next_try: Date | null;
  readonly explained_at: Date;
  readonly judged_at: Date;
  readonly decision: {
    readonly kind: Decision;
    readonly reason: string | null;
    readonly message: string | null;
  } | null;
  readonly gates: ExplainedGate[];
}

type Settings = Omit<ExplainDeps, "db" | "publicUrl">;

type Decision = "deliver" | "defer" | "hold" | "skip" | "stop";

/**
 * Explains these executions as they stand at one moment of the database's clock, without touching any of them. One that
 * does not exist is missing from the answer.
 */
export async function explainExecutions(
  { db, publicUrl, ...settings }: ExplainDeps,
  executionIds: readonly string[],
): Promise<ExecutionExplanation[]> {
  // A row must not be scheduled in one statement and sent in the next.
  return inSnapshot(db, async (tx) => {
    const fence = await readFence(tx, publicUrl);
    const closed = fence.kind === "closed" ? fence : null;
    const facts = await loadFacts(tx, executionIds);
    const records = new Map((await readExecutionRecords(tx, executionIds)).map((each) => [each.executionId, each]));
    const byId = new Map(facts.map((each) => [each.execution.id, each]));
    const explanations: ExecutionExplanation[] = [];
    for (const id of executionIds) {
      const [known, record] = [byId.get(id), records.get(id)];
      if (known !== undefined && record !== undefined)
        explanations.push(await explain(tx, settings, known, record, closed));
    }
    return explanations;
  });
}

async function explain(
  tx: Queryable,
  settings: Settings,
  facts: ExecutionFacts,
  record: NamedExecutionRecord,
  fence: ClosedFence | null,
): Promise<ExecutionExplanation> {
  const now = facts.databaseNow;
  const throttle = await readThrottle(tx, settings, facts);
  const backoffs = await readDeliveryBackoffs(tx, [TRANSPORT_SCOPE, domainScope(domainOf(facts.contact.email))]);
  const { decision, ...explanation } = explainSend({ ...facts, record }, now, settings.pace, throttle, backoffs, fence);
  return {
    execution: facts.execution.id,
    status: facts.execution.status,
    enrollment: facts.enrollment.id,
    sequence: facts.sequence.id,
    sequence_name: facts.sequence.name,
    step_number: facts.execution.stepNumber,
    step_name: record.stepName,
    contact_email: facts.contact.email,
    summary: explanation.summary,
    next_try: explanation.nextTryAt,
    explained_at: now,
    judged_at: explanation.judgedAt,
    decision: decision && {
      kind: decision.kind,
      reason: "reason" in decision ? decision.reason : null,
      message: "message" in decision ? decision.message : null,
    },
    gates: [...explanation.gates],
  };
}

async function readThrottle(
  tx: Queryable,
  { pace, limits: settings, sender }: Settings,
  facts: ExecutionFacts,
): Promise<Throttle | null> {
  if (!isTimeZone(facts.schedule.timezone)) return null; // it has no date to count on; the window gate says so
  const { scheduledFor } = facts.execution;
  const now = facts.databaseNow;
  const judgedAt = new Date(Math.max(scheduledFor.getTime(), now.getTime()));
  const limits = limitsOfEmail(facts, { isOverdue: isOverdue(facts, judgedAt, pace) }, settings, now, pace);
  const question = {
    executionId: facts.execution.id,
    sequenceId: facts.sequence.id,
    contactId: facts.contact.id,
    sender,
    limits,
  };
  return { limits, state: await readThrottleState(tx, question) };
}
