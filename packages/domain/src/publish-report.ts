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

interface OpenGroup extends Omit<WaitingGroup, "message" | "people"> {
  readonly outcomes: Record<PublishOutcome, number>;
}

interface Version {
  readonly versionNumber: number;
  readonly steps: readonly VersionStep[];
}

/** Counts what a publish does, person by person, into groups: one for each step that differs and has people waiting. */
export class PublishReport {
  readonly #to: readonly VersionStep[];
  readonly #differences = new Map<string, Map<string, OpenGroup>>();

  constructor(to: readonly VersionStep[]) {
    this.#to = to;
  }

  /** What is at the mail server, or has no open step, waits nowhere. */
  add(person: PersonInFlight, version: Version, { outcome }: FollowEffect): void {
    if (person.open === null || person.open.status === "sending") return;
    const group = this.#groupsOf(person.versionId, version).get(person.open.stepKey);
    if (group !== undefined) group.outcomes[outcome] += 1;
  }

  /** By version and step number; those where nobody waits are left out. */
  groups(): WaitingGroup[] {
    return [...this.#differences.values()]
      .flatMap((groups) => [...groups.values()])
      .map((group) => ({ ...group, people: sum(Object.values(group.outcomes)) }))
      .filter((group) => group.people > 0)
      .map((group) => ({ ...group, message: describeGroup(group) }))
      .toSorted((a, b) => a.fromVersionNumber - b.fromVersionNumber || a.from.stepNumber - b.from.stepNumber);
  }

  #groupsOf(versionId: string, version: Version): Map<string, OpenGroup> {
    const known = this.#differences.get(versionId);
    if (known !== undefined) return known;
    const groups = new Map<string, OpenGroup>();
    for (const { kind, from, to } of diffVersions(version.steps, this.#to)) {
      if (from === null) continue;
      const kinds = [...(groups.get(from.key)?.kinds ?? []), kind];
      const outcomes = { later: 0, sooner: 0, due_now: 0, moved_on: 0, completed: 0, unchanged: 0 };
      groups.set(from.key, { fromVersionNumber: version.versionNumber, from, to, kinds, outcomes });
    }
    this.#differences.set(versionId, groups);
    return groups;
  }
}

const predicates: Record<PublishOutcome, readonly [one: string, many: string]> = {
  sooner: ["gets it sooner", "get it sooner"],
  later: ["gets it later", "get it later"],
  due_now: ["is due now and goes out in the next open window", "are due now and go out in the next open window"],
  moved_on: ["moves on to the next step", "move on to the next step"],
  completed: ["completes the sequence", "complete the sequence"],
  unchanged: ["keeps the time it has", "keep the time they have"],
};

/** "120 people wait at step 2 "Tips", which is changed: 80 get it sooner, 40 are due now and go out in the next open window." */
function describeGroup({ people, from, kinds, outcomes }: Omit<WaitingGroup, "message">): string {
  const who = people === 1 ? "1 person waits" : `${people} people wait`;
  const what = (Object.keys(predicates) as PublishOutcome[])
    .filter((outcome) => outcomes[outcome] > 0)
    .map((outcome) => `${outcomes[outcome]} ${predicates[outcome][outcomes[outcome] === 1 ? 0 : 1]}`);
  return `${who} at ${nameStep(from)}, which is ${kinds.join(" and ")}: ${what.join(", ")}.`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
