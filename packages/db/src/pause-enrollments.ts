import type { Queryable } from "./database.ts";
import { holdOfEnrollments } from "./hold-under-pause.ts";

export interface PauseEnrollments {
  readonly enrollmentIds: readonly string[];
  /** When a sweep resumes them; null if somebody has to. */
  readonly resumeAt: Date | null;
  /** Appended to the enrollment's notes as a line of its own, with the time. */
  readonly note: string;
  readonly now: Date;
  readonly actor: string;
}

/**
 * active → paused, and everything that waits loses its timer; what is at the SMTP server this moment finishes, and the
 * next step opens without one. paused → paused, with another date, if the date is another. Answers which enrollments
 * moved. Call it in a transaction.
 */
export async function pauseEnrollments(db: Queryable, pause: PauseEnrollments): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>({
    name: "pause-enrollments",
    text: `
      update sequence_enrollment n
      set status = 'paused', paused_at = case when n.status = 'paused' then n.paused_at else $3 end, resume_at = $2,
          notes = case when n.notes = '' then $4 else n.notes || E'\\n' || $4 end,
          revision = n.revision + 1, updated_at = now()
      where n.id = any($1)
        and (n.status = 'active' or (n.status = 'paused' and n.resume_at is distinct from $2::timestamptz))
      returning n.id`,
    values: [pause.enrollmentIds, pause.resumeAt, pause.now, `[${pause.now.toISOString()}] ${pause.note}`],
  });
  const ids = rows.map((row) => row.id);
  // A statement of its own: the first one may have waited for a worker that was just opening the next step, and only
  // a statement that begins after that sees the new row.
  await holdOfEnrollments(db, ids, pause);
  return ids;
}
