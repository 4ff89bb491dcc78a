import { setImmediate } from "node:timers/promises";
import type { Queryable } from "@dripline/db/database";
import type { PlannableSequence } from "@dripline/db/load-plannable-sequence";
import type { Pace } from "@dripline/domain/delay";
import { localTime } from "@dripline/domain/local-time";
import { type PassedInPlan, type PlannedSend, planSequence } from "@dripline/domain/plan-sequence";
import type { ExecutionStatus } from "@dripline/domain/statuses";
import { isTimeZone, resolveZone, type ZoneSource } from "@dripline/domain/time-zone";
import { unreachable } from "@dripline/domain/unreachable";
import { type EnrollResult, findObstacle } from "./enroll.ts";
import { type Obstacle, type OpenSend, planStanding, type StandingPlan } from "./plan-standing.ts";
import { type KnownPeople, type KnownPerson, type PlannedPerson, readPlannedPeople } from "./read-planned-people.ts";

export interface SendInPlan {
  readonly stepNumber: number;
  readonly stepName: string;
  /** Of the execution that exists; null where there is none yet. */
  readonly status: ExecutionStatus | null;
  readonly dueAt: Date;
  /** Exact for somebody who is enrolled; otherwise one example of where the spread may put it. */
  readonly scheduledFor: Date;
  /** `scheduledFor` on the wall clock of `timezone`, without an offset; null if this machine does not know the zone. */
  readonly localTime: string | null;
  readonly timezone: string;
  readonly timezoneSource: ZoneSource;
  readonly earliestAt: Date;
  readonly latestAt: Date;
  readonly shifts: readonly string[];
  /** The schedule never opens for it, or its zone is unknown: nothing can be said about what follows. */
  readonly isHeld: boolean;
}

export interface PersonPlan {
  readonly email: string;
  readonly contactId: string | null;
  /** `enrolled`: from where they stand. `hypothetical`: as if they were enrolled at `now`. */
  readonly basis: "enrolled" | "hypothetical";
  /** Why nothing goes out now, or why enrolling them would be refused. */
  readonly obstacle: Obstacle | null;
  readonly sends: readonly SendInPlan[];
  /** Inactive steps on the way, with the moment of the skip. */
  readonly passedOver: readonly { readonly stepNumber: number; readonly stepName: string; readonly passedAt: Date }[];
}

export type PlanSendsResult =
  | { readonly kind: "planned"; readonly plans: readonly PersonPlan[] }
  /** Places in `people` whose contact does not exist. */
  | { readonly kind: "unknown_contacts"; readonly places: readonly number[] };

interface Clock {
  readonly now: Date;
  readonly pace: Pace;
}

/**
 * Every future send of each of these people, in their order, from the functions that enrolling and the worker use. Reads
 * only. Whoever is enrolled in the sequence keeps the version they walk through, whichever version `sequence` is.
 */
export async function planSends(
  db: Queryable,
  sequence: PlannableSequence,
  people: readonly PlannedPerson[],
  clock: Clock,
): Promise<PlanSendsResult> {
  const known = await readPlannedPeople(db, sequence, people);
  const places = people.flatMap((person, place) =>
    "contactId" in person && known.of(person) === undefined ? [place] : [],
  );
  if (places.length > 0) return { kind: "unknown_contacts", places };

  const plans: PersonPlan[] = [];
  for (const person of people) {
    plans.push(planPerson(sequence, known, person, clock));
    await setImmediate(); // one of many steps takes up to a second: whoever else asks gets a turn in between
  }
  return { kind: "planned", plans };
}

function planPerson(sequence: PlannableSequence, known: KnownPeople, person: PlannedPerson, clock: Clock): PersonPlan {
  const contact = known.of(person);
  const standing = contact && known.standing.get(contact.id);
  if (contact !== undefined && standing !== undefined) {
    const { open, facts } = standing;
    const plan = open && facts ? planStanding(facts, open, clock) : nothingOpen;
    return toPersonPlan({ email: contact.email, contactId: contact.id, basis: "enrolled" }, plan, known.stepNames);
  }
  return planHypothetically(sequence, contact ?? stranger(person, known.suppressed), clock);
}

/** Paused by taking them out: what waited was skipped, and a resume opens what comes next. */
const nothingOpen: StandingPlan = {
  obstacle: { code: "nothing_open", message: "No step is open: nothing goes out until the enrollment is resumed." },
  entries: [],
};

/** Somebody of whom there is only an address yet. */
function stranger(
  person: PlannedPerson,
  suppressed: ReadonlySet<string>,
): Omit<KnownPerson, "id"> & { readonly id: null } {
  if ("contactId" in person) throw new Error(`contact ${person.contactId} is unknown, which was to be noticed before`);
  return {
    id: null,
    email: person.email,
    zones: { contact: person.timezone, company: person.companyTimezone },
    optedOutAt: null,
    isSuppressed: suppressed.has(person.email.toLowerCase()),
    lastEnrollment: null,
  };
}

function planHypothetically(
  sequence: PlannableSequence,
  contact: Omit<KnownPerson, "id"> & { readonly id: string | null },
  { now, pace }: Clock,
): PersonPlan {
  const { email, id } = contact;
  const entries = planSequence({
    steps: sequence.steps,
    afterStepNumber: 0,
    from: now,
    enrollmentId: email.toLowerCase(), // a stand-in, so that a list is spread as it would be
    isHypothetical: true,
    schedule: sequence.schedule,
    zone: resolveZone(sequence.schedule, contact.zones),
    pace,
  });
  const obstacle = toObstacle(findObstacle(sequence, { ...contact, id: id ?? "" }, now, pace));
  return toPersonPlan({ email, contactId: id, basis: "hypothetical" }, { obstacle, entries }, sequence.stepNames);
}

function toObstacle(result: EnrollResult | undefined): Obstacle | null {
  switch (result?.kind) {
    case undefined:
      return null;
    case "already_enrolled":
      return {
        code: "already_enrolled",
        message: `The contact was enrolled before; the enrollment is ${result.status}.`,
      };
    case "too_soon": {
      const message = `The contact's last enrollment ended too recently: enroll them again from ${result.availableAt.toISOString()} on.`;
      return { code: "re_enrollment_too_soon", message };
    }
    case "refused":
      return { code: result.code, message: result.message };
    case "enrolled":
    case "unknown":
      throw new Error(`${result.kind} is no obstacle`);
    default:
      return unreachable(result);
  }
}

function toPersonPlan(
  person: Pick<PersonPlan, "email" | "contactId" | "basis">,
  { obstacle, entries }: StandingPlan,
  stepNames: ReadonlyMap<string, string>,
): PersonPlan {
  const nameOf = (entry: { readonly stepId: string }) => stepNames.get(entry.stepId) ?? "";
  return {
    ...person,
    obstacle,
    sends: entries.flatMap((entry) => (entry.kind === "passed_over" ? [] : [toSend(entry, nameOf(entry))])),
    passedOver: entries.flatMap((entry) => (entry.kind === "passed_over" ? [toPassed(entry, nameOf(entry))] : [])),
  };
}

function toSend(entry: OpenSend | PlannedSend, name: string): SendInPlan {
  const { stepNumber, dueAt, scheduledFor, timezone, timezoneSource, earliestAt, latestAt, shifts, isHeld } = entry;
  const local = isTimeZone(timezone) ? new Date(localTime(timezone, scheduledFor.getTime())).toISOString() : null;
  return {
    stepNumber,
    stepName: entry.kind === "open" ? entry.stepName : name,
    status: entry.kind === "open" ? entry.status : null,
    dueAt,
    scheduledFor,
    localTime: local?.slice(0, 19) ?? null,
    timezone,
    timezoneSource,
    earliestAt,
    latestAt,
    shifts,
    isHeld,
  };
}

function toPassed({ stepNumber, passedAt }: PassedInPlan, stepName: string): PersonPlan["passedOver"][number] {
  return { stepNumber, stepName, passedAt };
}
