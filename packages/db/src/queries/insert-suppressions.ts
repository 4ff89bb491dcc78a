import type { Queryable } from "../database.ts";
import { newId } from "../new-id.ts";
import type { suppression } from "../schema/people.ts";

export interface SuppressedAddress {
  readonly email: string;
  /** Of the entry that holds now. */
  readonly id: string;
  readonly isNew: boolean;
}

/**
 * Suppresses these addresses; one that is suppressed already, in whatever letter case, keeps its entry as it is. Answers
 * all of them in the order given; one that is given twice is new once. They are written in the order of the index, so that
 * two such lists at once wait for each other and not in a circle.
 */
export async function insertSuppressions(
  tx: Queryable,
  emails: readonly string[],
  { reason, note }: Pick<typeof suppression.$inferSelect, "reason" | "note">,
): Promise<SuppressedAddress[]> {
  const { rows: inserted } = await tx.query<{ id: string }>({
    name: "insert-suppressions",
    text: `insert into suppression (id, email, reason, note)
           select w.id, w.email, $3, $4 from unnest($1::uuid[], $2::text[]) with ordinality as w(id, email, place)
           order by lower(w.email), w.place
           on conflict do nothing returning id`,
    values: [emails.map(() => newId()), emails, reason, note],
  });
  // A statement of its own: whoever wrote the same address a moment ago has committed by now, and only a statement that
  // begins after that sees it.
  const { rows } = await tx.query<{ place: string; id: string }>({
    name: "find-suppressions-of-addresses",
    text: `select w.place, x.id from unnest($1::text[]) with ordinality as w(email, place)
           join suppression x on lower(x.email) = lower(w.email)`,
    values: [emails],
  });
  const fresh = new Set(inserted.map((row) => row.id));
  const idByPlace = new Map(rows.map((row) => [Number(row.place), row.id]));
  return emails.map((email, index) => {
    const id = idByPlace.get(index + 1);
    if (id === undefined) throw new Error("a suppression stood in the way of an insert and is gone: try again");
    return { email, id, isNew: fresh.delete(id) };
  });
}
