import type { OperationDefinition } from "@dripline/contract/operation";
import { operations } from "@dripline/contract/operations";

const patterns = operations.map((operation) => ({
  operation,
  pattern: new RegExp(`^${operation.path.replace(/\/$/, "").replaceAll(/\{[^}]+\}/g, "[^/]+")}/?$`),
}));

/** All operations of this path, in the order of the contract; none: there is nothing at it. */
export function operationsAt(path: string): OperationDefinition[] {
  return patterns.filter(({ pattern }) => pattern.test(path)).map(({ operation }) => operation);
}
