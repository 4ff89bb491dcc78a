import type { Database, Queryable } from "@dripline/db/database";
import { inTransaction } from "@dripline/db/database";
import {
  type ContactToWrite,
  companyIdsByName,
  insertContactStates,
  lockContactStates,
  updateContactStates,
} from "@dripline/db/import-contacts";
import { newId } from "@dripline/db/new-id";
import { type ImportFailure, lockImport, recordImportBatch } from "@dripline/db/record-import-batch";
import type { TakenImport } from "@dripline/db/take-import";
import { tryOut } from "@dripline/db/try-out";
import type { ImportOptions } from "@dripline/domain/import-options";
import { type ContactState, planImport, type RowOutcome } from "@dripline/domain/plan-import";
import { type EnrolledBy, type EnrollResult, enrollContacts } from "./enroll.ts";
import { type ImportRecord, type ReadRow, rowFailure } from "./read-import-row.ts";
import type { PendingWake } from "./wake-after-commit.ts";

type ContactRow = Extract<ReadRow, { kind: "contact" }>;

export type BatchResult =
  | { readonly kind: "written"; readonly taken: TakenImport; readonly wakes: readonly PendingWake[] }
  /** Cancelled, or somebody else has taken it over. Nothing was written. */
  | { readonly kind: "lost" };

/**
 * Takes some rows in, in one transaction: contacts, companies, enrollments, failures, and how far the import is. So a row is
 * done exactly when it is counted as done, whenever a worker dies.
 */
export async function writeImportBatch(
  db: Database,
  taken: TakenImport,
  rows: readonly ReadRow[],
  options: ImportOptions,
  by: EnrolledBy,
): Promise<BatchResult> {
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    try {
      return await inTransaction(db, (tx) => writeOnce(tx, taken, rows, options, by));
    } catch (error) {
      if (!(error instanceof AddressTakenError)) throw error;
    }
  }
  throw new Error(`addresses of this import were taken by others ${attemptsMax} times in a row`);
}

const attemptsMax = 10;

/** Somebody made a contact with an address of ours between our look and our insert. The next look sees it. */
class AddressTakenError extends Error {}

async function writeOnce(
  tx: Queryable,
  taken: TakenImport,
  rows: readonly ReadRow[],
  options: ImportOptions,
  by: EnrolledBy,
): Promise<BatchResult> {
  if (!(await lockImport(tx, taken))) return { kind: "lost" };
  const contactRows = rows.filter((row) => row.kind === "contact");
  const unreadable = rows.flatMap((row) => (row.kind === "failed" ? [row.failure] : []));
  const takingIn = () => takeRowsIn(tx, contactRows, options, by);
  const { outcomes, enrolled, refusals, wakes } = options.dry_run ? await tryOut(tx, takingIn) : await takingIn();

  const count = (kind: RowOutcome["kind"]) => outcomes.filter((outcome) => outcome.kind === kind).length;
  const counts = {
    rows: rows.length,
    created: count("created"),
    updated: count("updated"),
    skipped: count("skipped"),
    failed: unreadable.length,
    enrolled,
    refused: refusals.length,
  };
  const next = await recordImportBatch(tx, taken, counts, [...unreadable, ...refusals], by.now);
  return { kind: "written", taken: next, wakes: options.dry_run ? [] : wakes };
}

async function takeRowsIn(tx: Queryable, rows: readonly ContactRow[], options: ImportOptions, by: EnrolledBy) {
  const addresses = new Set(rows.map(({ contact }) => contact.email.toLowerCase()));
  const known = await lockContactStates(tx, [...addresses]);
  const plan = planImport(
    rows.map(({ contact }) => contact),
    known,
    options,
    newId,
  );
  await writeContacts(tx, plan, by.now);
  const wanted = rows.flatMap(({ record }, index) => {
    const contactId = plan.outcomes[index]?.contactId ?? null;
    return contactId === null || options.enroll_in === null ? [] : [{ record, contactId }];
  });
  const { outcomes } = plan;
  return { outcomes, ...(await enrollRows(tx, options.enroll_in, wanted, by)) };
}

async function writeContacts(
  tx: Queryable,
  { creates, updates }: { readonly creates: readonly ContactState[]; readonly updates: readonly ContactState[] },
  now: Date,
): Promise<void> {
  const names = new Set([...creates, ...updates].flatMap(({ companyName }) => companyName ?? []));
  const idOf = await companyIdsByName(tx, [...names]);
  const toWrite = ({ companyName, ...rest }: ContactState): ContactToWrite => ({
    ...rest,
    companyId: companyName === null ? null : (idOf.get(companyName) ?? null),
  });
  if (!(await insertContactStates(tx, creates.map(toWrite)))) throw new AddressTakenError();
  await updateContactStates(tx, updates.map(toWrite), now);
}

async function enrollRows(
  tx: Queryable,
  sequenceId: string | null,
  wanted: readonly { readonly record: ImportRecord; readonly contactId: string }[],
  by: EnrolledBy,
) {
  const wakes: PendingWake[] = [];
  const refusals: ImportFailure[] = [];
  if (sequenceId === null || wanted.length === 0) return { enrolled: 0, refusals, wakes };
  const people = wanted.map(({ contactId }) => ({ contactId, companyId: null, notes: "" }));
  const answer = await enrollContacts(tx, sequenceId, people, by);
  let enrolled = 0;
  for (const [index, { record }] of wanted.entries()) {
    const result = answer.kind === "answered" ? answer.results[index] : answer;
    if (result === undefined) throw new Error("a row that was to be enrolled has no result");
    if (result.kind === "enrolled") {
      enrolled += 1;
      wakes.push(...result.wakes);
    } else refusals.push(rowFailure(record, describeRefusal(result)));
  }
  return { enrolled, refusals, wakes };
}

function describeRefusal(result: Exclude<EnrollResult, { kind: "enrolled" }>): { code: string; message: string } {
  switch (result.kind) {
    case "already_enrolled":
      return { code: "already_enrolled", message: "The contact was enrolled in this sequence before." };
    case "too_soon": {
      const at = result.availableAt.toISOString();
      return { code: "re_enrollment_too_soon", message: `The contact can be enrolled again from ${at} on.` };
    }
    case "refused":
      return result;
    default:
      return { code: `${result.what}_not_found`, message: `The ${result.what} is gone.` };
  }
}
