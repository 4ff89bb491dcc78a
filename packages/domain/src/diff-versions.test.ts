import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { diffVersions, type VersionStep } from "./diff-versions.ts";

function step(key: string, stepNumber: number, values: Partial<VersionStep> = {}): VersionStep {
  return {
    id: `id of ${key}`,
    key,
    stepNumber,
    name: key,
    delay: { value: 3, unit: "days" },
    isActive: true,
    templateId: "t1",
    templateName: "Template one",
    maxLateness: null,
    latePolicy: "send",
    ...values,
  };
}

const inOrder = (keys: string) => [...keys].map((key, index) => step(key, index + 1));
const told = (from: readonly VersionStep[], to: readonly VersionStep[]) =>
  diffVersions(from, to).map(({ message }) => message);
const kinds = (from: string, to: string) =>
  diffVersions(inOrder(from), inOrder(to)).map(({ kind, from: a, to: b }) => `${kind} ${(a ?? b)?.key}`);

describe("which steps differ is told by their keys:", () => {
  test.each([
    ["nothing, where nothing changed", "ABC", "ABC", []],
    ["nothing of those that shift because one was put before them", "ABC", "XABC", ["added X"]],
    ["nothing of those that shift because one before them is gone", "ABC", "BC", ["deleted A"]],
    ["one move, where one step was put elsewhere", "ABCD", "DABC", ["moved D"]],
    ["one move, where one step was put at the end", "ABCD", "BCDA", ["moved A"]],
    ["a swap is one move", "AB", "BA", ["moved B"]],
    ["all of one kind, where everything was replaced", "AB", "XY", ["deleted A", "deleted B", "added X", "added Y"]],
    ["moves among additions and deletions", "ABCD", "DAXC", ["deleted B", "moved D", "added X"]],
    ["additions, from nothing", "", "A", ["added A"]],
    ["deletions, to nothing", "A", "", ["deleted A"]],
  ] as const)("%s", (_, from, to, expected) => {
    const found = kinds(from, to);
    expect(found).toHaveLength(expected.length);
    // Which of two swapped steps counts as the moved one is open.
    if (from === "AB" && to === "BA") expect(found[0]).toMatch(/^moved [AB]$/);
    else expect(found).toEqual(expected);
  });
});

describe("each difference reads as one sentence:", () => {
  test.each<[string, Partial<VersionStep>, Partial<VersionStep>, string]>([
    ["a name", { name: "Tips" }, { name: "Hints" }, 'Step 1 "Hints": the name was "Tips".'],
    [
      "a template",
      {},
      { templateId: "t2", templateName: "Template two" },
      'Step 1 "A": the template is "Template two" instead of "Template one".',
    ],
    [
      "a delay",
      { delay: { value: 1, unit: "business_days" } },
      { delay: { value: 0, unit: "hours" } },
      'Step 1 "A": the delay is no delay instead of 1 business day.',
    ],
    [
      "24 hours are not a day",
      { delay: { value: 1, unit: "days" } },
      { delay: { value: 24, unit: "hours" } },
      'Step 1 "A": the delay is 24 hours instead of 1 day.',
    ],
    [
      "a limit of lateness",
      {},
      { maxLateness: { value: 2, unit: "hours" } },
      'Step 1 "A": the limit of lateness is 2 hours instead of none.',
    ],
    [
      "a late policy",
      {},
      { latePolicy: "skip" },
      'Step 1 "A": what happens when it is late is "skip" instead of "send".',
    ],
    ["an inactive step", {}, { isActive: false }, 'Step 1 "A": it is inactive now.'],
    ["an active step", { isActive: false }, {}, 'Step 1 "A": it is active now.'],
  ])("%s", (_, from, to, sentence) => {
    expect(told([step("A", 1, from)], [step("A", 1, to)])).toEqual([sentence]);
  });

  test("a deleted, a moved and an added one", () => {
    const messages = told(inOrder("ABCD"), inOrder("DAXC"));
    expect(messages).toEqual([
      'Step 2 "B" was deleted.',
      'Step 4 "D" was moved and is step 1 now.',
      'Step 3 "X" was added: "Template one" after 3 days.',
    ]);
  });
});

test("a step that was moved and changed is in the list as both, with its fields old and new", () => {
  const [moved, changed, ...rest] = diffVersions(inOrder("ABC"), [
    step("C", 1, { name: "c" }),
    step("A", 2),
    step("B", 3),
  ]);
  expect(moved).toMatchObject({ kind: "moved", from: { stepNumber: 3 }, to: { stepNumber: 1 }, changes: [] });
  expect(changed).toMatchObject({ kind: "changed", changes: [{ field: "name", from: "C", to: "c" }] });
  expect(rest).toEqual([]);
});

test("undoing what the differences say gives the older version back, and the fewest steps are called moved", () => {
  const versions = fc.tuple(
    fc.uniqueArray(fc.constantFrom(..."ABCDEF"), { maxLength: 6 }),
    fc.uniqueArray(fc.constantFrom(..."ABCDEF"), { maxLength: 6 }),
  );
  fc.assert(
    fc.property(versions, ([from, to]) => {
      const differences = diffVersions(inOrder(from.join("")), inOrder(to.join("")));
      const keysOf = (kind: string) =>
        differences.filter((each) => each.kind === kind).map((each) => (each.from ?? each.to)?.key ?? "");
      expect(keysOf("added").sort()).toEqual(to.filter((key) => !from.includes(key)).sort());
      expect(keysOf("deleted").sort()).toEqual(from.filter((key) => !to.includes(key)).sort());
      const stayed = (keys: string[]) =>
        keys.filter((key) => from.includes(key) && to.includes(key) && !keysOf("moved").includes(key));
      expect(stayed(to)).toEqual(stayed(from));
      expect(keysOf("moved")).toHaveLength(fewestMoves(from, to));
    }),
  );
});

/** By trying every subset: the fewest common steps to leave out so that the others are in the same order. */
function fewestMoves(from: string[], to: string[]): number {
  const common = to.filter((key) => from.includes(key));
  const sizes = Array.from({ length: 2 ** common.length }, (_, mask) => {
    const stay = common.filter((_, index) => (mask >> index) & 1);
    const inFrom = from.filter((key) => stay.includes(key));
    return stay.join() === inFrom.join() ? common.length - stay.length : Number.POSITIVE_INFINITY;
  });
  return Math.min(...sizes);
}
