import type { Queryable } from "../database.ts";

export interface UsingSequence {
  readonly id: string;
  readonly name: string;
}

/** Enough to see what it is about. */
const sequencesMax = 20;

/** The first sequences, by name, of which a step in any version has this template. */
export async function sequencesUsingTemplate(db: Queryable, templateId: string): Promise<UsingSequence[]> {
  const { rows } = await db.query<UsingSequence>(
    `select s.id, s.name from email_sequence s
     where s.id in (select v.sequence_id from sequence_step st join sequence_version v on v.id = st.version_id
                    where st.template_id = $1)
     order by lower(s.name), s.id limit $2`,
    [templateId, sequencesMax],
  );
  return rows;
}

/** The first sequences, by name, that follow this schedule. */
export async function sequencesUsingSchedule(db: Queryable, scheduleId: string): Promise<UsingSequence[]> {
  const { rows } = await db.query<UsingSequence>(
    "select id, name from email_sequence where schedule_id = $1 order by lower(name), id limit $2",
    [scheduleId, sequencesMax],
  );
  return rows;
}
