import { holdExecutions } from "@dripline/db/hold-executions";
import type { ExecutionFacts } from "@dripline/db/load-facts";
import type { WakeVerdict } from "@dripline/queue/wake-queue";
import type { UnrenderableEmail } from "./compose-email.ts";
import type { SendDeps } from "./send-deps.ts";

/** An email that would have a hole in it is kept back with the reason, never sent. Nothing was claimed, no attempt used. */
export async function holdUnrenderable(
  deps: SendDeps,
  facts: ExecutionFacts,
  { reason, message }: UnrenderableEmail,
): Promise<WakeVerdict> {
  const { id: executionId, generation } = facts.execution;
  const move = { executionId, generation, reason, message };
  const held = await holdExecutions(deps.db, [move], { now: deps.now(), actor: "worker" });
  if (held.length === 1) deps.metrics.outcome("held");
  deps.log.warn({ executionId, reason, detail: message }, "held: the email cannot be rendered");
  return { kind: "done" };
}
