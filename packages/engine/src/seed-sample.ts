import { type Database, inTransaction, orm, type Queryable } from "@dripline/db/database";
import { newId } from "@dripline/db/new-id";
import { insertCompany } from "@dripline/db/queries/insert-company";
import { insertContact } from "@dripline/db/queries/insert-contact";
import { insertEmailSequence } from "@dripline/db/queries/insert-email-sequence";
import { insertEmailTemplate } from "@dripline/db/queries/insert-email-template";
import { insertSchedule } from "@dripline/db/queries/insert-schedule";
import { installation } from "@dripline/db/schema/sequences";
import type { Pace } from "@dripline/domain/delay";
import { ALWAYS_OPEN } from "@dripline/domain/schedule";
import { compileTemplate } from "@dripline/mail/compile-template";
import { ensureDefaultSchedule } from "./default-schedule.ts";
import { enrollContact } from "./enroll.ts";
import { insertedOrExisting } from "./inserted-or-existing.ts";
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

    const alwaysOpen = insertedOrExisting(await insertSchedule(tx, { name: "Always open", rules: ALWAYS_OPEN }));
    const businessHours = await ensureDefaultSchedule(tx);
    const common = { status: "active", inDoubtPolicy: "advance", createdBy: null, createdAt: now } as const;
    const sequenceId = await insertEmailSequence(tx, {
      ...common,
      name: "New Customer Onboarding",
      description: "Welcome on day 0, tips on day 3, a check-in on day 30.",
      scheduleId: alwaysOpen,
      steps: [
        step(1, 0, "Welcome Email", await insertTemplate(tx, sampleTemplates.welcome)),
        step(2, 3, "Getting Started Tips", await insertTemplate(tx, sampleTemplates.tips)),
        step(3, 27, "30-Day Check-in", await insertTemplate(tx, sampleTemplates.checkIn)),
      ],
    });
    await insertEmailSequence(tx, {
      ...common,
      name: "Demo Follow-up (business hours)",
      description: "Sent Monday to Friday, 09:00 to 17:00 in Bangkok, only; enroll somebody at night and see it wait.",
      scheduleId: businessHours,
      steps: [step(1, 0, "Demo Follow-up", await insertTemplate(tx, sampleTemplates.followUp))],
    });

    const contactId = await insertDemoContact(tx);
    const enrolled = await enrollContact(
      tx,
      { sequenceId, contactId, companyId: null, notes: "Enrolled by the first start." },
      { now, pace },
    );
    return { sequenceId, wakes: enrolled.kind === "enrolled" ? enrolled.wakes : [] };
  });
}

function step(stepNumber: number, days: number, name: string, templateId: string) {
  return { stepNumber, name, templateId, delay: { value: days, unit: "days" }, isActive: true } as const;
}

async function insertTemplate(
  tx: Queryable,
  { name, subject, mjml }: { readonly name: string; readonly subject: string; readonly mjml: string },
): Promise<string> {
  const compiled = await compileTemplate({ subject, mjml });
  if (!compiled.ok) throw new Error(`the sample template "${name}": ${JSON.stringify(compiled.problems)}`);
  return insertedOrExisting(await insertEmailTemplate(tx, { ...compiled.template, name, mjml, createdBy: null }));
}

async function insertDemoContact(tx: Queryable): Promise<string> {
  const companyId = await insertCompany(tx, { name: "Example Company" });
  const demo = { email: DEMO_CONTACT_EMAIL, firstName: "Dana", lastName: "Demo", companyId };
  return (await insertContact(tx, demo)).id;
}
