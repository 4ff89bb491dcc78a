import type { EnrollmentStanding } from "@dripline/domain/judge-action";
import type { Queryable } from "./database.ts";

/**
 * How these enrollments stand, and so they stay until the transaction ends. Their sequences are locked first and then
 * they, each in the order of their ids, as everybody does who moves several: two calls with some of the same wait for
 * each other, and do not deadlock.
 */
export async function lockEnrollments(tx: Queryable, ids: readonly string[]): Promise<Map<string, EnrollmentStanding>> {
  // A statement of its own: the one after it then reads what whoever had the sequence has left.
  await tx.query({
    name: "lock-sequences-of-enrollments",
    text: `
      select from email_sequence s
      where s.id in (select sequence_id from sequence_enrollment where id = any($1)) order by s.id for share of s`,
    values: [ids],
  });
  return standings(tx, ids, "for no key update");
}

/** The same without a lock, for a look that changes nothing. */
export function readEnrollmentStandings(
  db: Queryable,
  ids: readonly string[],
): Promise<Map<string, EnrollmentStanding>> {
  return standings(db, ids, "");
}

async function standings(
  db: Queryable,
  ids: readonly string[],
  lock: string,
): Promise<Map<string, EnrollmentStanding>> {
  const { rows } = await db.query<{ id: string } & EnrollmentStanding>(
    `select id, status, resume_at as "resumeAt" from sequence_enrollment where id = any($1) order by id ${lock}`,
    [ids],
  );
  return new Map(rows.map(({ id, ...standing }) => [id, standing]));
}
