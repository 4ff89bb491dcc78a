import { type Claim, type ClaimRequest, claimExecutions } from "@dripline/db/claim-executions";
import type { Database } from "@dripline/db/database";
import { type Finish, type Finished, finishExecutions } from "@dripline/db/finish-executions";
import { type ExecutionFacts, loadFacts } from "@dripline/db/load-facts";
import { loadTemplateContent, type TemplateContent } from "@dripline/db/load-template-content";
import { type MarkRequest, markData } from "@dripline/db/mark-data";
import { inBatches } from "@dripline/queue/in-batches";
import { keepTemplates } from "./kept-templates.ts";

type Leased<Request> = Request & { readonly leaseSeconds: number };

/** The statements that every email costs, each for one email; emails that are under way at the same time share them. */
export interface Statements {
  readonly loadTemplate: (versionId: string) => Promise<TemplateContent>;
  /** undefined: there is no such execution. */
  readonly loadFacts: (executionId: string) => Promise<ExecutionFacts | undefined>;
  /** undefined: the row was not to be had. */
  readonly claim: (request: Leased<ClaimRequest>) => Promise<Claim | undefined>;
  /** undefined: no body byte may leave. */
  readonly markData: (request: Leased<MarkRequest>) => Promise<true | undefined>;
  /** undefined: the row was no longer in the state it should leave. */
  readonly finish: (finish: Finish) => Promise<Finished | undefined>;
}

/**
 * As many as a worker has emails under way, as a rule; with more in one statement, a claim's lease would run while the
 * server still works through the list.
 */
const sizeMax = 100;

/**
 * One may wait for somebody else's row (5 s at most); the other emails must not wait with it. Ten times what a statement takes:
 * sent one after the other, each is for more emails, and costs hardly more than for one.
 */
const patience = { runsMax: 3, patienceMilliseconds: 50 };

const made = new WeakMap<Database, Statements>();

/** The statements on this pool. Emails share what they ask of the same pool, so there is one set of them for each. */
export function statementsOn(db: Database): Statements {
  const known = made.get(db);
  if (known !== undefined) return known;
  const statements = makeStatements(db);
  made.set(db, statements);
  return statements;
}

function makeStatements(db: Database): Statements {
  return {
    loadTemplate: keepTemplates((versionId) => loadTemplateContent(db, versionId)),
    loadFacts: inBatches<string, ExecutionFacts>({
      run: async (ids) => inOrder(ids, await loadFacts(db, ids), ({ execution }) => execution.id),
      keyOf: (id) => id,
      sizeMax,
      ...patience,
    }),
    claim: inBatches<Leased<ClaimRequest>, Claim>({
      run: async (requests) =>
        inOrder(requests.map(idOf), await claimExecutions(db, requests, longestLease(requests)), idOf),
      keyOf: idOf,
      sizeMax,
      ...patience,
    }),
    markData: inBatches<Leased<MarkRequest>, true>({
      run: async (requests) => {
        const marked = new Set(await markData(db, requests, longestLease(requests)));
        return requests.map(({ executionId }) => (marked.has(executionId) ? true : undefined));
      },
      keyOf: idOf,
      sizeMax,
      ...patience,
    }),
    finish: inBatches<Finish, Finished>({
      run: async (finishes) => inOrder(finishes.map(idOf), await finishExecutions(db, finishes), idOf),
      keyOf: idOf,
      sizeMax,
      ...patience,
    }),
  };
}

function idOf({ executionId }: { readonly executionId: string }): string {
  return executionId;
}

/** A worker's leases are all the same; this only says so to the types. */
function longestLease(requests: readonly { readonly leaseSeconds: number }[]): number {
  return Math.max(...requests.map(({ leaseSeconds }) => leaseSeconds));
}

function inOrder<Result>(
  ids: readonly string[],
  results: readonly Result[],
  idOfResult: (result: Result) => string,
): (Result | undefined)[] {
  const byId = new Map(results.map((result) => [idOfResult(result), result]));
  return ids.map((id) => byId.get(id));
}
