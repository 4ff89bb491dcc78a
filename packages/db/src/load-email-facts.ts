import type { Queryable } from "./database.ts";
import type { ExecutionFacts } from "./load-facts.ts";
import type { TemplateContent } from "./load-template-content.ts";

export interface StepEmail {
  readonly stepNumber: number;
  readonly stepName: string;
  readonly isActive: boolean;
  readonly template: TemplateContent;
}

/** The steps of a version in order, with the template that each would be sent with now. */
export async function loadStepEmails(db: Queryable, versionId: string): Promise<StepEmail[]> {
  const { rows } = await db.query({
    name: "load-step-emails",
    text: `
      select st.step_number, st.name, st.is_active, tv.id as template_version_id, tv.subject, tv.html, tv.text
      from sequence_step st
      join email_template t on t.id = st.template_id
      join email_template_version tv on tv.template_id = t.id and tv.version_number = t.current_version_number
      where st.version_id = $1 order by st.step_number`,
    values: [versionId],
  });
  return rows.map((row) => ({
    stepNumber: row.step_number,
    stepName: row.name,
    isActive: row.is_active,
    template: { versionId: row.template_version_id, subject: row.subject, html: row.html, text: row.text },
  }));
}

/** A contact and their own company, as far as an email's text is concerned. Undefined if there is no such contact. */
export async function loadEmailContact(
  db: Queryable,
  contactId: string,
): Promise<Pick<ExecutionFacts, "contact" | "company"> | undefined> {
  const { rows } = await db.query({
    name: "load-email-contact",
    text: `
      select c.id, c.email, c.first_name, c.last_name, c.timezone, c.country, c.attributes, c.opted_out_at,
             exists (select from suppression x where lower(x.email) = lower(c.email)) as is_suppressed,
             co.name as company_name, co.timezone as company_timezone, co.country as company_country,
             co.attributes as company_attributes
      from contact c left join company co on co.id = c.company_id
      where c.id = $1`,
    values: [contactId],
  });
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    contact: {
      id: row.id,
      email: row.email,
      firstName: row.first_name,
      lastName: row.last_name,
      timezone: row.timezone,
      country: row.country,
      attributes: row.attributes,
      optedOutAt: row.opted_out_at,
      isSuppressed: row.is_suppressed,
    },
    company:
      row.company_name === null
        ? null
        : {
            name: row.company_name,
            timezone: row.company_timezone,
            country: row.company_country,
            attributes: row.company_attributes ?? {},
          },
  };
}
