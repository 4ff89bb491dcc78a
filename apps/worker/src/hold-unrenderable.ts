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
  await holdExecutions(deps.db, [{ executionId, generation, reason, message }], { now: deps.now(), actor: "worker" });
  deps.log.warn({ executionId, reason, detail: message }, "held: the email cannot be rendered");
  return { kind: "done" };
}
