import { z } from "zod";
import { Id } from "./fields.ts";

/**
 * Which ones an operation on many is about: `ids`, or `filter` with the filters of the list; to be spread into its input,
 * which is then checked by `checkSelection`. An empty filter would be everything, and is refused.
 */
export function selectionFields<const Filters extends z.ZodRawShape>(idsMax: number, filters: Filters) {
  return {
    ids: z.array(Id).min(1, "must not be empty").max(idsMax, `at most ${idsMax} ids`).optional(),
    filter: z
      .strictObject(filters)
      .refine((filter) => Object.keys(filter).length > 0, "names nothing to go by: give at least one filter")
      .optional()
      .describe(`The filters of the list; together they may match ${idsMax}`),
    dry_run: z.boolean().default(false).describe("Answers the same, and writes nothing"),
  };
}

/** Exactly one of `ids` and `filter`. */
export function checkSelection({
  value,
  issues,
}: z.core.ParsePayload<{ readonly ids?: unknown; readonly filter?: unknown }>): void {
  const hasIds = value.ids !== undefined;
  if (hasIds !== (value.filter !== undefined)) return;
  const message = hasIds ? "cannot stand beside filter: leave one out" : "is required: give ids or filter";
  const params = { code: hasIds ? "invalid" : "required" };
  issues.push({ code: "custom", path: ["ids"], message, params, input: value });
}

/** Counts that every answer about many has. */
export const selectionCounts = {
  dry_run: z.boolean(),
  matched: z.int().describe("How many were asked for, or matched the filter"),
  changed: z.int().describe("How many of them it changed, or would"),
};
