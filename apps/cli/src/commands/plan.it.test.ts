import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { afterAll, expect, test } from "vitest";
import { type PlanOptions, plan } from "./plan.ts";

const { url, pool } = await freshDatabase();
const directory = mkdtempSync(join(tmpdir(), "dripline-plan-"));
afterAll(() => rmSync(directory, { recursive: true }));

const day = { value: 1, unit: "days" } as const;
const sequence = await makeSequence(pool, { steps: [{}, { delay: day }] });
await pool.query("update email_sequence set name = 'New Customer Onboarding' where id = $1", [sequence.id]);
const known = await makeContact(pool, { email: "known@example.com" });

async function planned(options: Partial<PlanOptions>) {
  const [printed, complaints]: [string[], string[]] = [[], []];
  await plan({ DATABASE_URL: url }, directory, {
    sequence: "New Customer Onboarding",
    contacts: [],
    csv: undefined,
    draft: false,
    now: "2026-11-23T09:00+07:00",
    json: false,
    clock: () => new Date("2026-11-20T00:00:00Z"),
    print: (line) => void printed.push(line),
    complain: (line) => void complaints.push(line),
    ...options,
  });
  return { printed, complaints };
}

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

test("every future send is printed for each contact, by the moment that --now names", async () => {
  const { printed } = await planned({ contacts: ["KNOWN@example.com", "new@example.com"] });
  expect(printed).toHaveLength(2);
  expect(printed[0]).toMatch(
    /^known@example.com \(as if enrolled now\)\n {2}1 Step 1 .*Mon 2026-11-23 02:00.*\n {2}2 Step 2 .*Tue 2026-11-24 02:00/,
  );
  expect(printed[1]).toMatch(/^new@example.com/);
});

test("the sequence can be named by its id or in other letter case, and without --now the clock counts", async () => {
  const byId = await planned({ sequence: sequence.id, contacts: [known.email], now: undefined });
  const byName = await planned({ sequence: "new customer ONBOARDING", contacts: [known.email], now: undefined });
  expect(byId.printed[0]).toContain("Fri 2026-11-20 00:00");
  expect(byName).toEqual(byId);
});

test("a file of many rows is read to its end, in order, and bad rows are complained about with their line", async () => {
  const people = Array.from({ length: 1_234 }, (_, index) => `p${index}@example.com`);
  const csv = file("many.csv", `\uFEFFemail;timezone\n${people.join(";\n")};\nnobody;\n`);

  const { printed, complaints } = await planned({ csv, json: true });

  expect(printed.map((line) => JSON.parse(line).email)).toEqual(people);
  expect(complaints).toEqual([`${csv}, line 1236: "nobody" is not an email address: it has no "@"`]);
});

test.each([
  [
    "an unknown sequence, with names that are near",
    { sequence: "Customer onboard" },
    'no sequence "Customer onboard". Did you mean "New Customer Onboarding"?',
  ],
  ["a moment that is none", { now: "tomorrow" }, '--now "tomorrow" is no moment'],
  ["a date that does not exist", { now: "2026-13-01T00:00:00Z" }, "is no moment"],
  [
    "a moment far away",
    { now: "9999-01-01T00:00:00Z" },
    "is not between 2000-01-01T00:00:00Z and 2100-01-01T00:00:00Z",
  ],
  ["a moment without an offset", { now: "2026-11-23T09:00" }, "is no moment"],
  ["an address that is none", { contacts: ["nobody"] }, '"nobody" is not an email address'],
  ["nobody", { contacts: [] }, "Say for whom"],
  ["a file that is not there", { csv: "/nowhere/people.csv" }, "--csv /nowhere/people.csv: there is no such file"],
  ["a draft that nobody builds", { draft: true }, '"New Customer Onboarding" has no draft'],
])("%s is refused with a sentence", async (_, options, message) => {
  await expect(planned({ contacts: [known.email], ...options })).rejects.toThrow(message);
});

test("a file without a column for the email says what it has", async () => {
  const csv = file("names.csv", "name,mail\nAnn,a@example.com\n");
  await expect(planned({ csv })).rejects.toThrow('no column "email", only: name, mail');
});
