/** What a filter selects for something that is done to all of it. */
export type Matching =
  | { readonly kind: "some"; readonly ids: readonly string[] }
  /** More than may be taken at once. */
  | { readonly kind: "too_many"; readonly count: number };

/** Reads at most `max` ids; if there are more, only how many. */
export async function matchingIds(
  max: number,
  select: (limit: number) => Promise<readonly { readonly id: string }[]>,
  count: () => Promise<number>,
): Promise<Matching> {
  const rows = await select(max + 1);
  if (rows.length <= max) return { kind: "some", ids: rows.map((row) => row.id) };
  return { kind: "too_many", count: await count() };
}
