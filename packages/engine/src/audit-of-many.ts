import type { AuditEntry } from "@dripline/db/queries/insert-audit-entry";

/** So many ids stand in one entry; of more it says how many they were. Each execution has its own event besides. */
const namedMax = 100;

/** The audit entry of something that a command did to some executions at once. */
export function auditOfMany(
  action: string,
  executionIds: readonly string[],
  { now, actor }: { readonly now: Date; readonly actor: string },
  more: Readonly<Record<string, unknown>> = {},
): AuditEntry {
  const [only, ...others] = executionIds;
  return {
    at: now,
    principal: actor,
    action,
    objectType: "sequence-executions",
    objectId: only !== undefined && others.length === 0 ? only : "",
    data: { ...more, count: executionIds.length, executions: executionIds.slice(0, namedMax) },
  };
}
