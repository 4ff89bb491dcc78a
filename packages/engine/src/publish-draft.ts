import type { Queryable } from "@dripline/db/database";
import { type FollowedTimer, followVersion } from "@dripline/db/follow-version";
import { loadEnrollableSequence } from "@dripline/db/load-enrollable";
import { readPeopleInFlight } from "@dripline/db/people-in-flight";
import {
  countLiveByVersion,
  type LiveInVersion,
  lockVersions,
  makeCurrent,
  templatesWithoutContent,
} from "@dripline/db/publish-version";
import type { LockedSequence } from "@dripline/db/queries/lock-sequence";
import { findStepsOfVersions } from "@dripline/db/queries/read-sequence-steps";
import {
  findSequenceVersion,
  type SequenceVersionWithSteps,
  toVersionStep,
} from "@dripline/db/queries/read-sequence-versions";
import type { Pace } from "@dripline/domain/delay";
import type { VersionStep } from "@dripline/domain/diff-versions";
import { type FollowEffect, type PersonInFlight, type PublishContext, planFollow } from "@dripline/domain/plan-publish";
import { PublishReport, type StepReach, type WaitingGroup } from "@dripline/domain/publish-report";

export interface PublishRequest {
  /** `follow`: everybody goes to the new version at their next unsent step. `pin`: they finish the one they are in. */
  readonly inFlight: "follow" | "pin";
  /** Answers the same, and writes nothing. */
  readonly isDryRun: boolean;
  readonly now: Date;
  readonly pace: Pace;
  /** The principal, for the record. */
  readonly actor: string;
}

export type PublishResult =
  | { readonly kind: "published"; readonly publication: Publication }
  /** And, if people are to follow, nobody who is in another version than the current one. */
  | { readonly kind: "no_draft" }
  | { readonly kind: "no_active_step" }
  /** Steps, by their place in the version, whose template cannot be sent. */
  | { readonly kind: "templates_missing"; readonly places: readonly { index: number; templateId: string }[] };

export interface Publication {
  readonly versionNumber: number;
  /** Live enrollments by the version they were in. */
  readonly people: readonly LiveInVersion[];
  readonly groups: readonly WaitingGroup[];
  readonly reaches: readonly StepReach[];
  /** Set these after the commit. */
  readonly wakes: readonly FollowedTimer[];
}

/**
 * Makes a sequence's draft the version that new enrollments get and, if they follow, takes everybody who is in flight
 * along, in the caller's transaction: all of them or nobody. Without a draft, those who were pinned to earlier versions
 * can still follow to the current one. Call `lockSequence` before, in the same transaction.
 */
export async function publishDraft(
  tx: Queryable,
  sequence: LockedSequence,
  request: PublishRequest,
): Promise<PublishResult> {
  if (!request.isDryRun) await lockVersions(tx, sequence.id);
  const people = await countLiveByVersion(tx, sequence.id);
  const version = await versionToPublish(tx, sequence.id, people, request);
  if (version === undefined) return { kind: "no_draft" };
  const steps = version.steps.map(toVersionStep);
  if (!steps.some((step) => step.isActive)) return { kind: "no_active_step" };
  const without = new Set(await templatesWithoutContent(tx, [...new Set(steps.map((step) => step.templateId))]));
  const places = steps.flatMap(({ templateId }, index) => (without.has(templateId) ? [{ index, templateId }] : []));
  if (places.length > 0) return { kind: "templates_missing", places };

  const toVersion = { id: version.id, number: version.version, steps };
  const followed =
    request.inFlight === "pin" ? nobody : await takePeopleAlong(tx, sequence.id, people, toVersion, request);
  if (!request.isDryRun && version.is_draft) await makeCurrent(tx, version.id, request.now);
  return { kind: "published", publication: { versionNumber: version.version, people, ...followed } };
}

/** The draft; without one the current version, if there is anybody to take along to it. */
async function versionToPublish(
  tx: Queryable,
  sequenceId: string,
  people: readonly LiveInVersion[],
  { inFlight }: PublishRequest,
): Promise<SequenceVersionWithSteps | undefined> {
  const draft = await findSequenceVersion(tx, sequenceId, "draft");
  if (draft !== undefined || inFlight === "pin") return draft;
  const current = await findSequenceVersion(tx, sequenceId, "current");
  const isSomebodyElsewhere = people.some((each) => each.people > 0 && each.versionId !== current?.id);
  return isSomebodyElsewhere ? current : undefined;
}

type Followed = Pick<Publication, "groups" | "reaches" | "wakes">;

const nobody: Followed = { groups: [], reaches: [], wakes: [] };

async function takePeopleAlong(
  tx: Queryable,
  sequenceId: string,
  people: readonly LiveInVersion[],
  to: { readonly id: string; readonly number: number; readonly steps: readonly VersionStep[] },
  { isDryRun, now, pace, actor }: PublishRequest,
): Promise<Followed> {
  const sequence = await loadEnrollableSequence(tx, sequenceId);
  if (sequence === undefined) throw new Error(`there is no sequence ${sequenceId}`);
  const versions = await stepsByVersion(tx, people);
  const { schedule, status: sequenceStatus } = sequence;
  const context = { to: to.steps, toVersionNumber: to.number, sequenceStatus, schedule, now, pace };

  const report = new PublishReport(to.steps);
  const wakes: FollowedTimer[] = [];
  const which = { sequenceId, exceptVersionId: to.id, locks: !isDryRun };
  for await (const batch of readPeopleInFlight(tx, which)) {
    const effects = batch.map((person) => planIn(versions, person, context, report));
    if (!isDryRun) wakes.push(...(await followVersion(tx, { versionId: to.id, effects, now, actor })));
  }
  return { groups: report.groups(), reaches: report.reaches(), wakes };
}

type Versions = ReadonlyMap<string, { readonly versionNumber: number; readonly steps: readonly VersionStep[] }>;

async function stepsByVersion(tx: Queryable, people: readonly LiveInVersion[]): Promise<Versions> {
  const rows = await findStepsOfVersions(
    tx,
    people.map(({ versionId }) => versionId),
  );
  return new Map(
    people.map(({ versionId, versionNumber }) => {
      const steps = rows.filter((row) => row.version_id === versionId).map(toVersionStep);
      return [versionId, { versionNumber, steps }];
    }),
  );
}

function planIn(
  versions: Versions,
  person: PersonInFlight,
  context: Omit<PublishContext, "from">,
  report: PublishReport,
): FollowEffect {
  const version = versions.get(person.versionId);
  if (version === undefined) throw new Error(`enrollment ${person.enrollmentId} is in a version that was not read`);
  const effect = planFollow(person, { ...context, from: version.steps });
  report.add(person, version, effect);
  return effect;
}
