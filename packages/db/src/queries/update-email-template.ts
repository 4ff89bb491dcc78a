import { eq, sql } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { newId } from "../new-id.ts";
import { emailTemplate, emailTemplateVersion } from "../schema/content.ts";
import { findTemplateNamed, type NewEmailTemplate } from "./insert-email-template.ts";
import { tryWrite } from "./try-write.ts";
import type { UpdatedByName } from "./update-schedule.ts";

export interface EmailTemplateChanges {
  readonly name: string;
  /** The content of a new version, which becomes the current one; null: the content stays as it is. */
  readonly content: Omit<NewEmailTemplate, "name"> | null;
  readonly now: Date;
}

/**
 * Renames a template, and gives it a new version if its content changes. Versions that are there stay as they are. Call it
 * in a transaction that has locked the template, and which goes on also if the name is taken.
 */
export async function updateEmailTemplate(
  tx: Queryable,
  id: string,
  { name, content, now }: EmailTemplateChanges,
): Promise<UpdatedByName> {
  const newest = sql`(select max(${emailTemplateVersion.versionNumber}) from ${emailTemplateVersion}
                      where ${emailTemplateVersion.templateId} = ${id})`;
  const refusal = await tryWrite(tx, async () => {
    if (content !== null) {
      const { variables, ...rest } = content;
      await orm(tx)
        .insert(emailTemplateVersion)
        .values({
          ...rest,
          id: newId(),
          templateId: id,
          versionNumber: sql`${newest} + 1`,
          variables: [...variables],
          createdAt: now,
        });
    }
    await orm(tx)
      .update(emailTemplate)
      .set({
        name,
        revision: sql`${emailTemplate.revision} + 1`,
        updatedAt: now,
        ...(content === null ? {} : { currentVersionNumber: newest }),
      })
      .where(eq(emailTemplate.id, id));
  });
  if (refusal === undefined) return { kind: "updated" };
  if (refusal.constraint !== "email_template_name_key") {
    throw new Error(`an email template cannot be written: ${refusal.constraint}`);
  }
  return { kind: "name_taken", existingId: await findTemplateNamed(tx, name) };
}
