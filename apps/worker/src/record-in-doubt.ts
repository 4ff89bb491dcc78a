import { type EmailRecord, type Finish, finishExecutions } from "@dripline/db/finish-executions";
import type { ExecutionFacts } from "@dripline/db/load-facts";
import { advance } from "./advance.ts";
import type { SendDeps } from "./send-deps.ts";

export interface Doubt {
  readonly executionId: string;
  readonly generation: number;
  readonly email: EmailRecord;
  readonly event: NonNullable<Finish["event"]>;
  readonly now: Date;
}

/**
 * sending[data] → in_doubt: it may have been delivered or not, and nobody guesses. The sequence's policy says whether
 * the enrollment goes on (`advance`) or waits for an operator (`hold`).
 */
export async function recordInDoubt(deps: SendDeps, facts: ExecutionFacts, doubt: Doubt): Promise<void> {
  const { executionId, generation, email, event, now } = doubt;
  const finish = { executionId, generation, from: "sending", to: "in_doubt", at: now, email, event } as const;
  if (facts.sequence.inDoubtPolicy === "advance") await advance(deps, facts, finish);
  else await finishExecutions(deps.db, [{ ...finish, versionId: facts.enrollment.versionId, plan: null }]);
}
