import type { Queryable } from "./database.ts";

export interface ResumeEnrollments {
  readonly enrollmentIds: readonly string[];
  /** Appended to the enrollment's notes as a line of its own, with the time. */
  readonly note: string;
  readonly now: Date;
}

/**
 * paused → active. Answers which enrollments moved; what waits in them is released by statements of their own, in the
 * same transaction. The sequence is locked first, as releasing and archiving do: the other way round they would deadlock.
 */
export async function resumeEnrollments(db: Queryable, resume: ResumeEnrollments): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>({
    name: "resume-enrollments",
    text: `
      with sequences as materialized (
        select s.id from email_sequence s
        where s.id in (select sequence_id from sequence_enrollment where id = any($1)) order by s.id for share of s
      ),
      live as materialized (
        select n.id from sequence_enrollment n join sequences on sequences.id = n.sequence_id
        where n.id = any($1) and n.status = 'paused' order by n.id for no key update of n
      )
      update sequence_enrollment n
      set status = 'active', paused_at = null, resume_at = null,
          notes = case when n.notes = '' then $2 else n.notes || E'\\n' || $2 end,
          revision = n.revision + 1, updated_at = now()
      from live where n.id = live.id and n.status = 'paused'
      returning n.id`,
    values: [resume.enrollmentIds, `[${resume.now.toISOString()}] ${resume.note}`],
  });
  return rows.map((row) => row.id);
}

/** Paused enrollments whose time to go on has come, by the database's clock, oldest first. */
export async function findDueResumes(db: Queryable, limit: number): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>({
    name: "find-due-resumes",
    text: `select id from sequence_enrollment
           where status = 'paused' and resume_at <= statement_timestamp() order by resume_at limit $1`,
    values: [limit],
  });
  return rows.map((row) => row.id);
}
