import type { Queryable } from "@dripline/db/database";

export type FoundSequence =
  | { readonly kind: "found"; readonly id: string; readonly name: string }
  /** `near`: names that somebody may have meant, the most similar first. */
  | { readonly kind: "unknown"; readonly near: readonly string[] };

const nearMax = 5;

/** A sequence by its id or its exact name, in any letter case. */
export async function findSequence(db: Queryable, idOrName: string): Promise<FoundSequence> {
  const { rows } = await db.query<{ id: string; name: string }>(
    "select id, name from email_sequence where id::text = lower($1) or lower(name) = lower($1) limit 1",
    [idOrName],
  );
  const [exact] = rows;
  if (exact !== undefined) return { kind: "found", ...exact };

  const all = await db.query<{ name: string }>("select name from email_sequence order by created_at desc limit 10000");
  const ranked = all.rows
    .map(({ name }) => ({ name, similarity: similarity(name, idOrName) }))
    .filter((each) => each.similarity > 0)
    .toSorted((a, b) => b.similarity - a.similarity);
  return { kind: "unknown", near: ranked.slice(0, nearMax).map(({ name }) => name) };
}

/** The share of letter pairs that both have (Dice), 0 to 1. */
function similarity(a: string, b: string): number {
  const [pairsOfA, pairsOfB] = [pairsOf(a), pairsOf(b)];
  const shared = [...pairsOfA].filter((pair) => pairsOfB.has(pair)).length;
  return shared === 0 ? 0 : (2 * shared) / (pairsOfA.size + pairsOfB.size);
}

function pairsOf(text: string): Set<string> {
  const lower = text.toLowerCase();
  return new Set(Array.from({ length: Math.max(0, lower.length - 1) }, (_, index) => lower.slice(index, index + 2)));
}
