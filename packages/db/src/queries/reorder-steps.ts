import type { Queryable } from "../database.ts";
import type { EditableVersion } from "./editable-version.ts";

export type ReorderStepsResult =
  | { readonly kind: "reordered" }
  /** Indices into the list whose ids name no step that the version has. */
  | { readonly kind: "unknown_steps"; readonly indices: readonly number[] }
  /** Indices into the list of steps that stand in it before. */
  | { readonly kind: "same_steps"; readonly indices: readonly number[] }
  /** Steps of the version that the list leaves out. */
  | { readonly kind: "missing_steps"; readonly ids: readonly string[] };

/** Beyond every number that a step can have, so that no number is taken while they change. */
const outOfTheWay = 1_000_000;

/**
 * Numbers the steps of a version that may be edited from 1 in the order of `ids`, which may be the steps' ids in any
 * version of the sequence; all of the version's steps, each once. Nothing else of them changes.
 */
export async function reorderSteps(
  tx: Queryable,
  version: EditableVersion,
  ids: readonly string[],
  now: Date,
): Promise<ReorderStepsResult> {
  // By key, so that those who hold the ids of the version that a draft was made from find the draft's steps.
  const { rows } = await tx.query<{ id: string; names: string[] }>(
    `select st.id, array(select other.id from sequence_step other
                         join sequence_version v on v.id = other.version_id
                         where other.step_key = st.step_key and v.sequence_id = mine.sequence_id) as names
     from sequence_step st join sequence_version mine on mine.id = st.version_id
     where st.version_id = $1 order by st.step_number`,
    [version.id],
  );
  const byName = new Map(rows.flatMap(({ id, names }) => names.map((name) => [name, id] as const)));
  const ordered = ids.map((id) => byName.get(id));
  const unknown = ordered.flatMap((id, index) => (id === undefined ? [index] : []));
  if (unknown.length > 0) return { kind: "unknown_steps", indices: unknown };
  const repeated = ordered.flatMap((id, index) => (ordered.indexOf(id) < index ? [index] : []));
  if (repeated.length > 0) return { kind: "same_steps", indices: repeated };
  const missing = rows.filter(({ id }) => !ordered.includes(id)).map(({ id }) => id);
  if (missing.length > 0) return { kind: "missing_steps", ids: missing };

  await tx.query("update sequence_step set step_number = step_number + $2 where version_id = $1", [
    version.id,
    outOfTheWay,
  ]);
  await tx.query(
    `update sequence_step st
     set step_number = o.place, updated_at = case when st.step_number = o.place + $4 then st.updated_at else $3 end
     from unnest($2::uuid[]) with ordinality as o(id, place)
     where st.version_id = $1 and st.id = o.id`,
    [version.id, ordered, now, outOfTheWay],
  );
  return { kind: "reordered" };
}
