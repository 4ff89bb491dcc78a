import { orm, type Queryable } from "@dripline/db/database";
import { newId } from "@dripline/db/new-id";
import { emailTemplate, emailTemplateVersion, schedule } from "@dripline/db/schema/content";
import { contact } from "@dripline/db/schema/people";
import { emailSequence, sequenceStep, sequenceVersion } from "@dripline/db/schema/sequences";
import type { Delay } from "@dripline/domain/delay";
import type { Elapsed } from "@dripline/domain/elapsed";
import { ALWAYS_OPEN, type Schedule } from "@dripline/domain/schedule";
import type { InDoubtPolicy, LatePolicy, ReEnrollment } from "@dripline/domain/statuses";

/** Rows for tests, each valid as it is; a test names only what it is about. */

export async function makeContact(
  db: Queryable,
  values: Partial<typeof contact.$inferInsert> = {},
): Promise<{ id: string; email: string }> {
  const id = newId();
  const row = { id, email: `${id}@example.com`, firstName: "Ann", ...values };
  await orm(db).insert(contact).values(row);
  return { id: row.id, email: row.email };
}

export async function makeTemplate(
  db: Queryable,
  values: Partial<Pick<typeof emailTemplateVersion.$inferInsert, "subject" | "html" | "text">> = {},
): Promise<string> {
  const id = newId();
  await orm(db)
    .insert(emailTemplate)
    .values({ id, name: `Template ${id}` });
  await orm(db)
    .insert(emailTemplateVersion)
    .values({
      id: newId(),
      templateId: id,
      versionNumber: 1,
      mjml: "<mjml></mjml>",
      subject: "Hello {{ contact.first_name }}",
      html: "<p>Hello {{ contact.first_name }}</p>",
      text: "Hello {{ contact.first_name }}",
      ...values,
    });
  return id;
}

/** When every schedule made here was last changed: a claim names it. */
export const scheduleUpdatedAt = new Date("2026-01-01T00:00:00Z");

export async function makeSchedule(db: Queryable, value: Schedule = ALWAYS_OPEN): Promise<string> {
  const id = newId();
  await orm(db)
    .insert(schedule)
    .values({ ...value, id, name: `Schedule ${id}`, updatedAt: scheduleUpdatedAt });
  return id;
}

export interface MadeStep {
  readonly delay?: Delay;
  readonly isActive?: boolean;
  readonly maxLateness?: Elapsed;
  readonly latePolicy?: LatePolicy;
  readonly templateId?: string;
}

/** A sequence whose steps all use one template and are due at once, unless said otherwise. */
export async function makeSequence(
  db: Queryable,
  values: {
    readonly steps?: readonly MadeStep[];
    readonly schedule?: Schedule;
    readonly status?: "active" | "paused" | "archived";
    readonly inDoubtPolicy?: InDoubtPolicy;
    readonly sendsPerDayMax?: number;
    readonly reEnrollment?: ReEnrollment;
    readonly reEnrollmentCooldown?: Elapsed;
    readonly pausedAt?: Date;
  } = {},
): Promise<{ id: string; versionId: string; stepIds: string[] }> {
  const id = newId();
  const versionId = newId();
  const scheduleId = await makeSchedule(db, values.schedule);
  const templateId = await makeTemplate(db);
  const { steps = [{}, {}], schedule: _, ...rest } = values;
  await orm(db)
    .insert(emailSequence)
    .values({ id, name: `Sequence ${id}`, scheduleId, ...rest });
  await orm(db)
    .insert(sequenceVersion)
    .values({ id: versionId, sequenceId: id, versionNumber: 1, publishedAt: new Date() });
  const rows = steps.map((step, index) => ({
    ...newStep(),
    versionId,
    stepNumber: index + 1,
    name: `Step ${index + 1}`,
    templateId: step.templateId ?? templateId,
    delayValue: step.delay?.value ?? 0,
    delayUnit: step.delay?.unit ?? ("minutes" as const),
    isActive: step.isActive ?? true,
    maxLateness: step.maxLateness ?? null,
    latePolicy: step.latePolicy ?? ("send" as const),
  }));
  if (rows.length > 0) await orm(db).insert(sequenceStep).values(rows);
  return { id, versionId, stepIds: rows.map((row) => row.id) };
}

/** A step's first version: its key is its own id. */
function newStep(): { id: string; stepKey: string } {
  const id = newId();
  return { id, stepKey: id };
}
