import { diffVersions, nameStep, type StepDifference, type VersionStep } from "./diff-versions.ts";
import type { FollowEffect, PersonInFlight, PublishOutcome } from "./plan-publish.ts";

/** People of one version who wait at one step that the publish changes, moves or deletes. */
export interface WaitingGroup {
  readonly fromVersionNumber: number;
  readonly from: VersionStep;
  /** null: deleted. */
  readonly to: VersionStep | null;
  readonly kinds: readonly StepDifference["kind"][];
  readonly people: number;
  readonly outcomes: Readonly<Record<PublishOutcome, number>>;
  /** One sentence for people. */
  readonly message: string;
}

/** How many of one version's people get a step that the publish adds or moves. */
export interface StepReach {
  readonly fromVersionNumber: number;
  /** The step in the new version. */
  readonly to: VersionStep;
  readonly kind: "added" | "moved";
  /** Have it still to come, those who wait at it included. */
  readonly stillToGet: number;
  /** Have not had it and do not get it: they are past its place. */
  readonly passedBy: number;
  /** One sentence for people. */
  readonly message: string;
}

interface OpenReach extends Omit<StepReach, "message"> {
  stillToGet: number;
  passedBy: number;
}

interface OpenGroup extends Omit<WaitingGroup, "message" | "people"> {
  readonly outcomes: Record<PublishOutcome, number>;
}

interface Version {
  readonly versionNumber: number;
  readonly steps: readonly VersionStep[];
}

interface Differences {
  /** By the step's key. */
  readonly groups: ReadonlyMap<string, OpenGroup>;
  readonly reaches: readonly OpenReach[];
}

/**
 * Counts what a publish does, person by person: into groups, one for each step that differs and has people waiting, and
 * for each step that comes or moves into those who get it and those who do not.
 */
export class PublishReport {
  readonly #to: readonly VersionStep[];
  readonly #differences = new Map<string, Differences>();

  constructor(to: readonly VersionStep[]) {
    this.#to = to;
  }

  add(person: PersonInFlight, version: Version, effect: FollowEffect): void {
    const { groups, reaches } = this.#differencesOf(person.versionId, version);
    for (const reach of reaches) {
      const { key } = reach.to;
      if (effect.keysToGet.includes(key) || person.open?.stepKey === key) reach.stillToGet += 1;
      else if (!person.keysHad.includes(key)) reach.passedBy += 1;
    }
    // What is at the mail server, or has no open step, waits nowhere.
    if (person.open === null || person.open.status === "sending") return;
    const group = groups.get(person.open.stepKey);
    if (group !== undefined) group.outcomes[effect.outcome] += 1;
  }

  /** By version and step number; those where nobody waits are left out. */
  groups(): WaitingGroup[] {
    return [...this.#differences.values()]
      .flatMap(({ groups }) => [...groups.values()])
      .map((group) => ({ ...group, people: sum(Object.values(group.outcomes)) }))
      .filter((group) => group.people > 0)
      .map((group) => ({ ...group, message: describeGroup(group) }))
      .toSorted((a, b) => a.fromVersionNumber - b.fromVersionNumber || a.from.stepNumber - b.from.stepNumber);
  }

  /** By version and step number: every active step that was added or moved and concerns anybody. */
  reaches(): StepReach[] {
    return [...this.#differences.values()]
      .flatMap(({ reaches }) => reaches)
      .filter(({ stillToGet, passedBy }) => stillToGet + passedBy > 0)
      .map((reach) => ({ ...reach, message: describeReach(reach) }))
      .toSorted((a, b) => a.fromVersionNumber - b.fromVersionNumber || a.to.stepNumber - b.to.stepNumber);
  }

  #differencesOf(versionId: string, version: Version): Differences {
    const known = this.#differences.get(versionId);
    if (known !== undefined) return known;
    const { versionNumber: fromVersionNumber, steps } = version;
    const groups = new Map<string, OpenGroup>();
    const reaches: OpenReach[] = [];
    for (const { kind, from, to } of diffVersions(steps, this.#to)) {
      if (to?.isActive && (kind === "added" || kind === "moved")) {
        reaches.push({ fromVersionNumber, to, kind, stillToGet: 0, passedBy: 0 });
      }
      if (from === null) continue;
      const kinds = [...(groups.get(from.key)?.kinds ?? []), kind];
      const outcomes = { later: 0, sooner: 0, due_now: 0, moved_on: 0, completed: 0, held: 0, unchanged: 0 };
      groups.set(from.key, { fromVersionNumber, from, to, kinds, outcomes });
    }
    const differences = { groups, reaches };
    this.#differences.set(versionId, differences);
    return differences;
  }
}

const predicates: Record<PublishOutcome, readonly [one: string, many: string]> = {
  sooner: ["gets it sooner", "get it sooner"],
  later: ["gets it later", "get it later"],
  due_now: ["is due now and goes out in the next open window", "are due now and go out in the next open window"],
  moved_on: ["moves on to the next step", "move on to the next step"],
  completed: ["completes the sequence", "complete the sequence"],
  held: [
    "is held or failed there and stays so until somebody retries",
    "are held or failed there and stay so until somebody retries",
  ],
  unchanged: ["keeps the time it has", "keep the time they have"],
};

/** "120 people wait at step 2 "Tips", which is changed: 80 get it sooner, 40 are due now and go out in the next open window." */
function describeGroup({ people, from, to, kinds, outcomes }: Omit<WaitingGroup, "message">): string {
  const who = people === 1 ? "1 person waits" : `${people} people wait`;
  const what = (Object.keys(predicates) as PublishOutcome[])
    .filter((outcome) => outcomes[outcome] > 0)
    .map((outcome) => `${outcomes[outcome]} ${predicates[outcome][outcomes[outcome] === 1 ? 0 : 1]}`);
  const passesOver = outcomes.moved_on + outcomes.completed > 0 && to?.isActive === false;
  const inactive = passesOver ? ", and is inactive now: they pass over it when its time comes" : "";
  return `${who} at ${nameStep(from)}, which is ${kinds.join(" and ")}${inactive}: ${what.join(", ")}.`;
}

/** "Step 2 "Tips" is added: 3 people in flight get it, 2 are past its place and do not get it." */
function describeReach({ to, kind, stillToGet, passedBy }: Omit<StepReach, "message">): string {
  const gets = `${stillToGet} ${stillToGet === 1 ? "person in flight gets" : "people in flight get"} it`;
  const not = `${passedBy} ${passedBy === 1 ? "is past its place and does" : "are past its place and do"} not get it`;
  return `S${nameStep(to).slice(1)} is ${kind}: ${passedBy === 0 ? gets : `${gets}, ${not}`}.`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
