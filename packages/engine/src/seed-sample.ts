import { type Database, inTransaction, orm, type Queryable } from "@dripline/db/database";
import { newId } from "@dripline/db/new-id";
import { emailTemplate, emailTemplateVersion } from "@dripline/db/schema/content";
import { company, contact } from "@dripline/db/schema/people";
import { emailSequence, installation, sequenceStep, sequenceVersion } from "@dripline/db/schema/sequences";
import type { Delay, Pace } from "@dripline/domain/delay";
import { ALWAYS_OPEN } from "@dripline/domain/schedule";
import { compileTemplate } from "@dripline/mail/compile-template";
import { ensureDefaultSchedule, insertSchedule } from "./default-schedule.ts";
import { enrollContact } from "./enroll.ts";
import { sampleTemplates } from "./sample-templates.ts";
import type { PendingWake } from "./wake-after-commit.ts";

export const DEMO_CONTACT_EMAIL = "demo@example.com";

export interface SeededSample {
  /** "New Customer Onboarding": three steps over thirty days, at any hour. */
  readonly sequenceId: string;
  /** The timers of the demo contact's enrollment: wake them after this returned. */
  readonly wakes: readonly PendingWake[];
}

/** Any number that nobody else in this database uses for an advisory lock: "seed" in ASCII. */
const seedLock = 0x73656564;

/**
 * What every new installation starts with: two schedules, four templates, two sequences, and a demo contact who is
 * enrolled, so that an email is waiting when somebody first looks. Once per database: undefined if it was done before,
 * even if somebody deleted it since.
 */
export async function seedSample(
  db: Database,
  { now, pace }: { readonly now: Date; readonly pace: Pace },
): Promise<SeededSample | undefined> {
  return inTransaction(db, async (tx) => {
    await tx.query("select pg_advisory_xact_lock($1)", [seedLock]);
    const { rowCount } = await tx.query("select from installation where sample_seeded_at is not null");
    if (rowCount !== 0) return undefined;
    await orm(tx).insert(installation).values({ id: newId(), sampleSeededAt: now });

    const alwaysOpen = await insertSchedule(tx, "Always open", ALWAYS_OPEN, false);
    const businessHours = await ensureDefaultSchedule(tx);
    const welcome = await insertTemplate(tx, sampleTemplates.welcome);
    const tips = await insertTemplate(tx, sampleTemplates.tips);
    const checkIn = await insertTemplate(tx, sampleTemplates.checkIn);
    const followUp = await insertTemplate(tx, sampleTemplates.followUp);

    const sequenceId = await insertSequence(tx, {
      name: "New Customer Onboarding",
      description: "Welcome on day 0, tips on day 3, a check-in on day 30.",
      scheduleId: alwaysOpen,
      steps: [
        { name: "Welcome Email", templateId: welcome, delay: { value: 0, unit: "days" } },
        { name: "Getting Started Tips", templateId: tips, delay: { value: 3, unit: "days" } },
        { name: "30-Day Check-in", templateId: checkIn, delay: { value: 27, unit: "days" } },
      ],
    });
    await insertSequence(tx, {
      name: "Demo Follow-up (business hours)",
      description: "Sent Monday to Friday, 09:00 to 17:00 in Bangkok, only; enroll somebody at night and see it wait.",
      scheduleId: businessHours,
      steps: [{ name: "Demo Follow-up", templateId: followUp, delay: { value: 0, unit: "days" } }],
    });

    const contactId = await ensureDemoContact(tx);
    const enrolled = await enrollContact(
      tx,
      { sequenceId, contactId, companyId: null, notes: "Enrolled by the first start." },
      { now, pace },
    );
    return { sequenceId, wakes: enrolled.kind === "enrolled" ? enrolled.wakes : [] };
  });
}

async function insertTemplate(
  tx: Queryable,
  source: { readonly name: string; readonly subject: string; readonly mjml: string },
): Promise<string> {
  const compiled = await compileTemplate({ subject: source.subject, mjml: source.mjml });
  if (!compiled.ok) throw new Error(`the sample template "${source.name}": ${JSON.stringify(compiled.problems)}`);
  const id = newId();
  await orm(tx).insert(emailTemplate).values({ id, name: source.name });
  await orm(tx)
    .insert(emailTemplateVersion)
    .values({ ...compiled.template, id: newId(), templateId: id, versionNumber: 1, mjml: source.mjml });
  return id;
}

async function insertSequence(
  tx: Queryable,
  sequence: {
    readonly name: string;
    readonly description: string;
    readonly scheduleId: string;
    readonly steps: readonly { readonly name: string; readonly templateId: string; readonly delay: Delay }[];
  },
): Promise<string> {
  const id = newId();
  const versionId = newId();
  const { name, description, scheduleId } = sequence;
  await orm(tx).insert(emailSequence).values({ id, name, description, scheduleId });
  await orm(tx).insert(sequenceVersion).values({ id: versionId, sequenceId: id, versionNumber: 1 });
  await orm(tx)
    .insert(sequenceStep)
    .values(
      sequence.steps.map((step, index) => ({
        id: newId(),
        versionId,
        stepNumber: index + 1,
        name: step.name,
        templateId: step.templateId,
        delayValue: step.delay.value,
        delayUnit: step.delay.unit,
      })),
    );
  return id;
}

async function ensureDemoContact(tx: Queryable): Promise<string> {
  const companyId = newId();
  await orm(tx).insert(company).values({ id: companyId, name: "Example Company" });
  const { rows } = await tx.query<{ id: string }>("select id from contact where lower(email) = $1", [
    DEMO_CONTACT_EMAIL,
  ]);
  if (rows[0] !== undefined) return rows[0].id;
  const id = newId();
  await orm(tx)
    .insert(contact)
    .values({ id, email: DEMO_CONTACT_EMAIL, firstName: "Dana", lastName: "Demo", companyId });
  return id;
}
