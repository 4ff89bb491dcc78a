import type { Queryable } from "./database.ts";
import { isStranded } from "./open-next-steps.ts";

export interface StrandedChunk {
  /** Active enrollments in which nothing has been open for so long. */
  readonly enrollmentIds: readonly string[];
  /** The last enrollment that was looked at; null if none was left. */
  readonly lastId: string | null;
  readonly isLastChunk: boolean;
}

/**
 * One step of a walk over all enrollments: looks at `limit` of them from `fromId` on, by id. What changed within
 * `quietSeconds` is passed over: a publish or a resume that is under way opens its steps itself.
 */
export async function findLongStranded(
  db: Queryable,
  walk: { readonly fromId: string; readonly limit: number; readonly quietSeconds: number },
): Promise<StrandedChunk> {
  const { rows } = await db.query<{ looked_at: number; last_id: string | null; ids: string[] }>({
    name: "find-long-stranded",
    text: `
      with chunk as materialized (
        select n.* from sequence_enrollment n where n.id >= $1 order by n.id limit $2
      ),
      stranded as (
        select n.id from chunk n
        where ${isStranded} and n.updated_at <= clock_timestamp() - make_interval(secs => $3)
          and not exists (select from step_execution x where x.enrollment_id = n.id
                          and x.updated_at > clock_timestamp() - make_interval(secs => $3))
      )
      select (select count(*)::int from chunk) as looked_at, (select id from chunk order by id desc limit 1) as last_id,
             array(select id from stranded order by id) as ids`,
    values: [walk.fromId, walk.limit, walk.quietSeconds],
  });
  const [row] = rows;
  if (row === undefined) throw new Error("a select without from answers one row");
  return { enrollmentIds: row.ids, lastId: row.last_id, isLastChunk: row.looked_at < walk.limit };
}
