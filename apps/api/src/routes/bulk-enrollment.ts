import { type BulkEnrollResult, bulkEnroll } from "@dripline/contract/bulk-enrollment";
import { UnreadableItem } from "@dripline/contract/each-on-its-own";
import type { BulkEnrollItem } from "@dripline/contract/sequence-enrollments";
import { patientTransaction } from "@dripline/db/bulk-statement";
import { tryOut } from "@dripline/db/try-out";
import type { EnrollResult } from "@dripline/engine/enroll";
import { type BulkItem, type BulkItemResult, enrollInBulk } from "@dripline/engine/enroll-in-bulk";
import { wakeAfterCommit } from "@dripline/engine/wake-after-commit";
import type { FastifyInstance } from "fastify";
import type { Deps } from "../deps.ts";
import { placesInBody } from "../parse-request.ts";
import { ProblemError, unknownReferences } from "../problem-error.ts";
import { serve } from "../serve.ts";
import { enrollProblem } from "./enroll-problem.ts";

export function serveBulkEnrollment(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, bulkEnroll, async ({ tx, body, now, log, afterCommit, addToAudit }) => {
    const { sequence_id: sequenceId, dry_run: isDryRun } = body;
    const isStrict = body.mode === "strict";
    const items = body.items.flatMap((item, index) =>
      item instanceof UnreadableItem ? [] : [{ index, ...toBulkItem(item) }],
    );
    const patient = await patientTransaction(tx);
    const enrolling = () => enrollInBulk(patient, sequenceId, items, { now, pace: deps.pace });
    const answer = isDryRun ? await tryOut(patient, enrolling) : await enrolling();
    if (answer.kind === "unknown") {
      throw unknownReferences([{ pointer: "/sequence_id", what: "sequence", id: sequenceId }]);
    }

    const results = body.items.flatMap((item, index) =>
      item instanceof UnreadableItem ? [unreadable(item, index)] : [],
    );
    const enrolledHere = new Set(
      answer.results.flatMap(({ result }) => (result.kind === "enrolled" ? result.enrollmentId : [])),
    );
    for (const [place, each] of answer.results.entries()) {
      const item = items[place];
      if (item === undefined) throw new Error("there is a result of no item");
      refuseForAll(each.result);
      results.push(toResult(each, { item, sequenceId, isDryRun, isStrict, enrolledHere }));
    }
    results.sort((one, other) => one.index - other.index);
    const refused = results.filter(({ status }) => status === "refused");
    if (isStrict && refused.length > 0) throw itemsRefused(refused, results.length);

    const wakes = answer.results.flatMap(({ result }) => (result.kind === "enrolled" ? result.wakes : []));
    if (!isDryRun) {
      afterCommit(() =>
        wakeAfterCommit(deps.queue, wakes, (err) =>
          log.warn({ err }, "the queue did not take wake-ups; the sweep will find the rows when they are due"),
        ),
      );
    }
    const counts = { dry_run: isDryRun, enrolled: results.length - refused.length, refused: refused.length };
    addToAudit({ sequence: sequenceId, mode: body.mode, ...counts });
    return { ...counts, results };
  });
}

function toBulkItem({ contact_id: id, contact, company_id: companyId, notes }: BulkEnrollItem): BulkItem {
  if (id !== undefined) return { contact: id, companyId, notes };
  if (contact === undefined) throw new Error("the contract lets no item through without a contact");
  const { first_name: firstName, last_name: lastName, ...rest } = contact;
  return { contact: { ...rest, firstName, lastName }, companyId, notes };
}

/** What is wrong with the sequence is wrong for everybody, and answered once. */
function refuseForAll(result: EnrollResult): void {
  if (result.kind !== "refused") return;
  const { code, message } = result;
  if (code === "sequence_not_active" || code === "sequence_without_steps") throw new ProblemError(code, message);
}

const nothing = { enrollment_id: null, contact_id: null, code: null, detail: null, available_at: null, errors: [] };

function unreadable({ error, input }: UnreadableItem, index: number): BulkEnrollResult {
  const errors = placesInBody(error, input).map(({ pointer, ...rest }) => ({
    pointer: `/items/${index}${pointer}`,
    ...rest,
  }));
  const [first] = errors;
  const detail = `The item is not valid: ${first?.pointer} ${first?.detail}.`;
  return { ...nothing, index, status: "refused", code: "validation_failed", detail, errors };
}

function toResult(
  { contactId, isNewContact, result }: BulkItemResult,
  asked: {
    readonly item: BulkItem & { readonly index: number };
    readonly sequenceId: string;
    readonly isDryRun: boolean;
    readonly isStrict: boolean;
    readonly enrolledHere: ReadonlySet<string>;
  },
): BulkEnrollResult {
  const { isDryRun, isStrict } = asked;
  const { index, companyId, contact } = asked.item;
  const isThere = result.kind !== "unknown" && !(isDryRun && isNewContact);
  const common = { ...nothing, index, contact_id: isThere ? contactId : null };
  if (result.kind === "enrolled") {
    return { ...common, status: "enrolled", enrollment_id: isDryRun ? null : result.enrollmentId };
  }
  const named = typeof contact === "string" ? contact : "";
  const problem = enrollProblem(result, { ...asked, companyId, contactId: named }, `/items/${index}`);
  const inTheWay = result.kind === "already_enrolled" || result.kind === "too_soon" ? result.enrollmentId : null;
  const standsTwice = inTheWay !== null && asked.enrolledHere.has(inTheWay);
  return {
    ...common,
    status: "refused",
    code: problem.code,
    detail: standsTwice ? "An item before this one enrolls the same contact." : problem.message,
    enrollment_id: standsTwice && (isDryRun || isStrict) ? null : inTheWay,
    available_at: result.kind === "too_soon" ? result.availableAt : null,
    errors: [...(problem.details.errors ?? [])],
  };
}

function itemsRefused(refused: readonly BulkEnrollResult[], total: number): ProblemError {
  const errors = refused.map(
    ({ index, code, detail, enrollment_id: id, available_at: availableAt, errors: places }) => ({
      pointer: `/items/${index}`,
      code: code ?? "invalid",
      detail: detail ?? "",
      ...(id === null ? {} : { enrollment_id: id }),
      ...(availableAt === null ? {} : { available_at: availableAt.toISOString() }),
      ...(places.length === 0 ? {} : { errors: places }),
    }),
  );
  return new ProblemError(
    "items_refused",
    `${refused.length} of ${total} items cannot be enrolled, so nobody was; with mode "permissive" the others would be.`,
    { errors, extensions: { refused: refused.length } },
  );
}
