import type { Matching } from "@dripline/db/queries/matching";
import { ProblemError } from "./problem-error.ts";

/**
 * The ids that an operation on many is about: those in the body, each once, or those that match its filter.
 * @throws ProblemError `too_many_matches`
 */
export async function selectedIds<Filter>(
  { ids, filter }: { readonly ids?: readonly string[] | undefined; readonly filter?: Filter | undefined },
  countMax: number,
  find: (filter: Filter) => Promise<Matching>,
): Promise<readonly string[]> {
  if (filter === undefined) return [...new Set(ids?.map((id) => id.toLowerCase()))];
  const matching = await find(filter);
  if (matching.kind === "some") return matching.ids;
  throw new ProblemError(
    "too_many_matches",
    `The filter matches ${matching.count}, and one call takes ${countMax}: narrow it, and make several calls.`,
    { extensions: { count: matching.count, count_max: countMax } },
  );
}
