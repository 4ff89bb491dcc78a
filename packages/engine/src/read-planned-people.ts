import type { Queryable } from "@dripline/db/database";
import { findLiveEnrollments, findStepNames, type LiveEnrollment } from "@dripline/db/find-live-enrollments";
import { findContacts, findSuppressed } from "@dripline/db/find-people";
import { type EnrollableContact, loadEnrollableContacts } from "@dripline/db/load-enrollable";
import { type ExecutionFacts, loadFacts } from "@dripline/db/load-facts";
import type { PlannableSequence } from "@dripline/db/load-plannable-sequence";

/** Somebody to plan for. Of a contact who is known, their own zones count and those given here do not. */
export type PlannedPerson =
  | { readonly contactId: string }
  | { readonly email: string; readonly timezone: string | null; readonly companyTimezone: string | null };

export interface KnownPerson extends EnrollableContact {
  readonly email: string;
}

/** What is known of people whom somebody wants to plan for. */
export interface KnownPeople {
  readonly of: (person: PlannedPerson) => KnownPerson | undefined;
  readonly suppressed: ReadonlySet<string>;
  /** By contact, for those who are enrolled now. */
  readonly standing: ReadonlyMap<
    string,
    { readonly open: LiveEnrollment["open"]; readonly facts?: ExecutionFacts | undefined }
  >;
  readonly stepNames: ReadonlyMap<string, string>;
}

/** A fact carries its template's HTML, which can be long: so many at once are a few megabytes. */
const factsPerRead = 100;

/** Reads what is known of these people: a few statements, however many they are. */
export async function readPlannedPeople(
  db: Queryable,
  sequence: PlannableSequence,
  people: readonly PlannedPerson[],
): Promise<KnownPeople> {
  const ids = people.flatMap((person) => ("contactId" in person ? [person.contactId] : []));
  const emails = people.flatMap((person) => ("email" in person ? [person.email] : []));
  const found = await findContacts(db, { ids, emails });
  const emailOf = new Map(found.map(({ id, email }) => [id, email]));
  const asThemselves = found.map(({ id }) => ({ contactId: id, companyId: null }));
  const contacts = await loadEnrollableContacts(db, sequence.id, asThemselves);
  const byId = new Map(contacts.map((contact) => [contact.id, { ...contact, email: emailOf.get(contact.id) ?? "" }]));
  const byEmail = new Map([...byId.values()].map((contact) => [contact.email.toLowerCase(), contact]));

  const live = await findLiveEnrollments(db, sequence.id, [...byId.keys()]);
  const facts = await readFacts(
    db,
    live.flatMap(({ open }) => open?.executionId ?? []),
  );
  const stepIds = [...facts.values()].flatMap(({ execution, laterSteps }) => [
    execution.stepId,
    ...laterSteps.map(({ id }) => id),
  ]);
  return {
    of: (person) => ("contactId" in person ? byId.get(person.contactId) : byEmail.get(person.email.toLowerCase())),
    suppressed: await findSuppressed(db, emails),
    standing: new Map(
      live.map(({ contactId, open }) => [contactId, { open, facts: open ? facts.get(open.executionId) : undefined }]),
    ),
    stepNames: stepIds.length === 0 ? new Map() : await findStepNames(db, [...new Set(stepIds)]),
  };
}

async function readFacts(db: Queryable, executionIds: readonly string[]): Promise<Map<string, ExecutionFacts>> {
  const facts = new Map<string, ExecutionFacts>();
  for (let read = 0; read < executionIds.length; read += factsPerRead) {
    for (const each of await loadFacts(db, executionIds.slice(read, read + factsPerRead))) {
      facts.set(each.execution.id, each);
    }
  }
  return facts;
}
