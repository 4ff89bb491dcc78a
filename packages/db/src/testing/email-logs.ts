import { orm, type Queryable } from "../database.ts";
import { newId } from "../new-id.ts";
import { emailLog } from "../schema/journeys.ts";
import type { MadeExecution } from "./executions.ts";

/** What a worker leaves in the log of this execution's email, made from the version of the step's template. */
export async function insertEmailLog(
  db: Queryable,
  { executionId, contactId, sequence }: MadeExecution,
  values: Partial<typeof emailLog.$inferInsert> = {},
): Promise<string> {
  const { rows } = await db.query<{ id: string }>(
    "select v.id from sequence_step s join email_template_version v on v.template_id = s.template_id where s.id = $1",
    [sequence.stepIds[0]],
  );
  const id = newId();
  await orm(db)
    .insert(emailLog)
    .values({
      id,
      executionId,
      sequenceId: sequence.id,
      contactId,
      templateVersionId: rows[0]?.id ?? null,
      messageId: `<${executionId}@example.com>`,
      fromAddress: "us@example.com",
      toAddress: "ann@example.com",
      subject: "Hello Ann",
      variables: { contact: { first_name: "Ann", name: "Ann Lee" }, unsubscribe_url: "https://example.com/u/a-token" },
      outcome: "accepted",
      response: "250 2.0.0 Ok: queued",
      composedAt: new Date("2026-11-20T02:59:00.000Z"),
      sentAt: new Date("2026-11-20T03:00:00.000Z"),
      ...values,
    });
  return id;
}
