import type { Queryable } from "./database.ts";

/**
 * Takes all versions of a sequence until the transaction ends. Whoever is enrolling now is waited for, and whoever comes
 * after waits and then finds the version that is current by then. Call `lockSequence` before.
 */
export async function lockVersions(tx: Queryable, sequenceId: string): Promise<void> {
  await tx.query("select from sequence_version where sequence_id = $1 order by version_number for update", [
    sequenceId,
  ]);
}

/** Makes a draft the version that new enrollments get. */
export async function makeCurrent(tx: Queryable, versionId: string, now: Date): Promise<void> {
  const { rowCount } = await tx.query(
    `with published as (
       update sequence_version set published_at = $2 where id = $1 and published_at is null
       returning sequence_id, version_number
     )
     update email_sequence s set current_version_number = p.version_number from published p where s.id = p.sequence_id`,
    [versionId, now],
  );
  if (rowCount !== 1) throw new Error(`version ${versionId} is no draft`);
}

export interface LiveInVersion {
  readonly versionId: string;
  readonly versionNumber: number;
  readonly people: number;
}

/** How many live enrollments the current version of a sequence has, and each other one that has any. */
export async function countLiveByVersion(db: Queryable, sequenceId: string): Promise<LiveInVersion[]> {
  const { rows } = await db.query<LiveInVersion>(
    `select v.id as "versionId", v.version_number as "versionNumber", count(n.id)::int as people
     from email_sequence s
     join sequence_version v on v.sequence_id = s.id
     left join sequence_enrollment n on n.version_id = v.id and n.status in ('active', 'paused')
     where s.id = $1
     group by s.id, v.id having count(n.id) > 0 or v.version_number = s.current_version_number
     order by v.version_number`,
    [sequenceId],
  );
  return rows;
}

/** Which of these templates have no content that could be sent. */
export async function templatesWithoutContent(db: Queryable, templateIds: readonly string[]): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `select i.id from unnest($1::uuid[]) as i(id)
     where not exists (
       select from email_template t
       join email_template_version tv on tv.template_id = t.id and tv.version_number = t.current_version_number
       where t.id = i.id)`,
    [templateIds],
  );
  return rows.map((row) => row.id);
}
