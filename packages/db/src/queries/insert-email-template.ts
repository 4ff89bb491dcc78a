import { sql } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { newId } from "../new-id.ts";
import { emailTemplate, emailTemplateVersion } from "../schema/content.ts";

export interface NewEmailTemplate {
  readonly name: string;
  readonly subject: string;
  readonly mjml: string;
  /** Compiled from `mjml`. */
  readonly html: string;
  readonly text: string;
  /** What the template asks for, such as `contact.first_name`. */
  readonly variables: readonly string[];
  readonly createdBy: string | null;
}

export type InsertedByName =
  | { readonly kind: "inserted"; readonly id: string }
  | { readonly kind: "name_taken"; readonly existingId: string };

/** Writes a template and its version 1; call it in a transaction. */
export async function insertEmailTemplate(tx: Queryable, values: NewEmailTemplate): Promise<InsertedByName> {
  const { name, variables, ...content } = values;
  const id = newId();
  const inserted = await orm(tx)
    .insert(emailTemplate)
    .values({ id, name })
    .onConflictDoNothing()
    .returning({ id: emailTemplate.id });
  if (inserted.length === 0) {
    return { kind: "name_taken", existingId: await findTemplateNamed(tx, name) };
  }
  await orm(tx)
    .insert(emailTemplateVersion)
    .values({ id: newId(), templateId: id, versionNumber: 1, ...content, variables: [...variables] });
  return { kind: "inserted", id };
}

/** The id of the template with this name, in capitals or not; empty if it has just gone. */
export async function findTemplateNamed(db: Queryable, name: string): Promise<string> {
  const rows = await orm(db)
    .select({ id: emailTemplate.id })
    .from(emailTemplate)
    .where(sql`lower(${emailTemplate.name}) = lower(${name})`);
  return rows[0]?.id ?? "";
}
