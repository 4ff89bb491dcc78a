import type { Delay } from "./delay.ts";
import { describeDelay } from "./describe-delay.ts";
import { describeElapsed, type Elapsed } from "./elapsed.ts";
import type { PlannedStep } from "./next-step.ts";
import type { LatePolicy } from "./statuses.ts";

/** A step as people edit it. `key` tells which steps of two versions are the same one. */
export interface VersionStep extends PlannedStep {
  readonly name: string;
  readonly templateId: string;
  readonly templateName: string;
  readonly maxLateness: Elapsed | null;
  readonly latePolicy: LatePolicy;
}

/** One field of a step that reads otherwise in the other version; names as on the wire. */
export type FieldChange =
  | { readonly field: "name" | "email_template" | "late_policy"; readonly from: string; readonly to: string }
  | { readonly field: "delay"; readonly from: Delay; readonly to: Delay }
  | { readonly field: "max_lateness"; readonly from: Elapsed | null; readonly to: Elapsed | null }
  | { readonly field: "is_active"; readonly from: boolean; readonly to: boolean };

export interface StepDifference {
  readonly kind: "added" | "deleted" | "changed" | "moved";
  /** The step in the older version; null if it was added. */
  readonly from: VersionStep | null;
  /** The step in the newer version; null if it was deleted. */
  readonly to: VersionStep | null;
  /** What `changed`; empty otherwise. */
  readonly changes: readonly FieldChange[];
  /** One sentence for people. */
  readonly message: string;
}

/**
 * What differs between two versions of a sequence, step by step, told by the steps' keys: first what was deleted, then
 * the newer version's steps in their order. A step that both versions have is `moved` if it changed places with others;
 * that its number shifts because of what comes and goes around it is no difference. A step can be moved and changed.
 */
export function diffVersions(older: readonly VersionStep[], newer: readonly VersionStep[]): StepDifference[] {
  const [before, after] = [byNumber(older), byNumber(newer)];
  const old = new Map(before.map((step) => [step.key, step]));
  const kept = new Set(after.map((step) => step.key));
  const movedKeys = movedBetween(before, after);

  const deleted = before.filter((step) => !kept.has(step.key)).map(deletion);
  const others = after.flatMap((to) => {
    const from = old.get(to.key);
    if (from === undefined) return [addition(to)];
    return [...(movedKeys.has(to.key) ? [move(from, to)] : []), ...change(from, to)];
  });
  return [...deleted, ...others];
}

/** Every field that reads otherwise, whatever the steps' numbers. */
export function fieldChanges(from: VersionStep, to: VersionStep): FieldChange[] {
  const changes: FieldChange[] = [];
  if (from.name !== to.name) changes.push({ field: "name", from: from.name, to: to.name });
  if (from.templateId !== to.templateId) {
    changes.push({ field: "email_template", from: from.templateId, to: to.templateId });
  }
  if (!isSameLength(from.delay, to.delay)) changes.push({ field: "delay", from: from.delay, to: to.delay });
  if (!isSameLength(from.maxLateness, to.maxLateness)) {
    changes.push({ field: "max_lateness", from: from.maxLateness, to: to.maxLateness });
  }
  if (from.latePolicy !== to.latePolicy) {
    changes.push({ field: "late_policy", from: from.latePolicy, to: to.latePolicy });
  }
  if (from.isActive !== to.isActive) changes.push({ field: "is_active", from: from.isActive, to: to.isActive });
  return changes;
}

/** Whether two delays say the same: value and unit. A day and 24 hours are not the same across DST. */
export function isSameLength(a: Delay | Elapsed | null, b: Delay | Elapsed | null): boolean {
  return a?.value === b?.value && a?.unit === b?.unit;
}

/** Step 2 "Tips" */
export function nameStep({ stepNumber, name }: Pick<VersionStep, "stepNumber" | "name">): string {
  return `step ${stepNumber} "${name}"`;
}

function byNumber(steps: readonly VersionStep[]): VersionStep[] {
  return steps.toSorted((a, b) => a.stepNumber - b.stepNumber);
}

function addition(to: VersionStep): StepDifference {
  const message = `${capital(nameStep(to))} was added: "${to.templateName}" after ${describeDelay(to.delay)}.`;
  return { kind: "added", from: null, to, changes: [], message };
}

function deletion(from: VersionStep): StepDifference {
  return { kind: "deleted", from, to: null, changes: [], message: `${capital(nameStep(from))} was deleted.` };
}

function move(from: VersionStep, to: VersionStep): StepDifference {
  const message = `${capital(nameStep(from))} was moved and is step ${to.stepNumber} now.`;
  return { kind: "moved", from, to, changes: [], message };
}

function change(from: VersionStep, to: VersionStep): StepDifference[] {
  const changes = fieldChanges(from, to);
  if (changes.length === 0) return [];
  const told = changes.map((each) => describeChange(each, from, to)).join(", ");
  return [{ kind: "changed", from, to, changes, message: `${capital(nameStep(to))}: ${told}.` }];
}

function describeChange(change: FieldChange, from: VersionStep, to: VersionStep): string {
  switch (change.field) {
    case "name":
      return `the name was "${change.from}"`;
    case "email_template":
      return `the template is "${to.templateName}" instead of "${from.templateName}"`;
    case "delay":
      return `the delay is ${describeDelay(change.to)} instead of ${describeDelay(change.from)}`;
    case "max_lateness":
      return `the limit of lateness is ${limit(change.to)} instead of ${limit(change.from)}`;
    case "late_policy":
      return `what happens when it is late is "${change.to}" instead of "${change.from}"`;
    case "is_active":
      return change.to ? "it is active now" : "it is inactive now";
  }
}

function limit(maxLateness: Elapsed | null): string {
  return maxLateness === null ? "none" : describeElapsed(maxLateness);
}

function capital(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

/**
 * The keys of the steps that changed places: of those that both versions have, all but a longest run that is in the
 * same order in both. So one step that is put elsewhere counts as one move, not as a shift of all the others.
 */
function movedBetween(before: readonly VersionStep[], after: readonly VersionStep[]): ReadonlySet<string> {
  const places = new Map(before.map((step, place) => [step.key, place]));
  const common = after.filter((step) => places.has(step.key));
  const place = (index: number) => places.get(common[index]?.key ?? "") ?? -1;

  // Longest increasing subsequence, each entry with its length and the entry before it. At most a few hundred steps.
  const best: { length: number; previous: number }[] = [];
  for (let i = 0; i < common.length; i += 1) {
    best[i] = { length: 1, previous: -1 };
    for (let j = 0; j < i; j += 1) {
      const length = (best[j]?.length ?? 0) + 1;
      if (place(j) < place(i) && length > (best[i]?.length ?? 0)) best[i] = { length, previous: j };
    }
  }
  let end = best.reduce((top, { length }, index) => (length > (best[top]?.length ?? 0) ? index : top), 0);
  const moved = new Set(common.map((step) => step.key));
  for (; end >= 0 && end < common.length; end = best[end]?.previous ?? -1) moved.delete(common[end]?.key ?? "");
  return moved;
}
