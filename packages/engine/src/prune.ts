import { setTimeout as wait } from "node:timers/promises";
import { type Database, inTransaction } from "@dripline/db/database";
import {
  countEndedHistory,
  deleteHistory,
  findEndedHistory,
  type HistoryCounts,
  type HistoryPosition,
  historyBegin,
} from "@dripline/db/prune-history";
import {
  type LogPosition,
  logBegin,
  pruneAuditLog,
  pruneImportFailures,
  pruneImports,
  pruneStrayLogs,
} from "@dripline/db/prune-records";

export interface PruneRequest {
  /** What was over before then goes. */
  readonly before: Date;
  /** Only count what would go. */
  readonly isDryRun: boolean;
  /** Stops between two batches; what is gone by then is gone. */
  readonly signal?: AbortSignal;
  /** Between two batches, for everybody else. Default: none. */
  readonly restMilliseconds?: number;
  readonly onProgress?: (pruned: Pruned) => void;
}

/** How many of each kind went, or would. */
export interface Pruned extends HistoryCounts {
  readonly auditEntries: number;
  readonly imports: number;
}

const nothingPruned: Pruned = { executions: 0, events: 0, emailLogs: 0, auditEntries: 0, imports: 0 };

/** Executions that are looked at in one transaction: a few hundredths of a second, in which nobody else is kept waiting. */
const batchMax = 500;

/**
 * Deletes the history of what has been over since before a moment: executions, events and email logs of enrollments that
 * ended, emails in the log whose enrollment is gone, audit entries, and imports with their failed rows. Enrollments stay,
 * and with them who may enroll again and how far somebody came; so do contacts and suppressions, and everything that is
 * open or in doubt. In small transactions: run it while everything runs, interrupt it, repeat it.
 */
export async function prune(db: Database, request: PruneRequest): Promise<Pruned> {
  const { signal, restMilliseconds = 0 } = request;
  let pruned = nothingPruned;
  const add = async (more: Partial<Pruned>) => {
    pruned = addUp(pruned, more);
    request.onProgress?.(pruned);
    if (restMilliseconds > 0) await wait(restMilliseconds, undefined, signal && { signal }).catch(() => {});
  };
  for (let at: HistoryPosition | undefined = historyBegin; at !== undefined && goesOn(request); ) {
    const batch = await pruneHistoryBatch(db, at, request);
    if (batch !== undefined) await add(batch.counts);
    at = batch?.last;
  }
  for (let at: LogPosition | undefined = logBegin; at !== undefined && goesOn(request); ) {
    const { before, isDryRun } = request;
    const batch = await pruneStrayLogs(db, { before, after: at, limit: batchMax, isDryRun });
    if (batch !== undefined) await add({ emailLogs: batch.pruned });
    at = batch?.last;
  }
  for (const { kind, pruneBatch } of records) {
    for (let isOver = false; !isOver && goesOn(request); ) {
      const count = await pruneBatch(db, { ...request, limit: batchMax });
      if (kind !== null) await add({ [kind]: count });
      isOver = request.isDryRun || count === 0;
    }
  }
  return pruned;
}

/** In this order: the failed rows of an import would go with it, however many they are. */
const records = [
  { kind: "auditEntries", pruneBatch: pruneAuditLog },
  { kind: null, pruneBatch: pruneImportFailures },
  { kind: "imports", pruneBatch: pruneImports },
] as const;

/** One batch of the walk along executions; undefined at its end. */
async function pruneHistoryBatch(
  db: Database,
  after: HistoryPosition,
  { before, isDryRun }: Pick<PruneRequest, "before" | "isDryRun">,
): Promise<{ readonly counts: HistoryCounts; readonly last: HistoryPosition } | undefined> {
  const walk = { after, before, limit: batchMax };
  if (isDryRun) return countEndedHistory(db, walk);
  const found = await findEndedHistory(db, walk);
  if (found === undefined) return undefined;
  const { enrollmentIds, last } = found;
  const counts =
    enrollmentIds.length === 0
      ? nothingPruned
      : await inTransaction(db, (tx) => deleteHistory(tx, enrollmentIds, before));
  return { counts, last };
}

function goesOn({ signal }: PruneRequest): boolean {
  return signal?.aborted !== true;
}

function addUp(a: Pruned, b: Partial<Pruned>): Pruned {
  return {
    executions: a.executions + (b.executions ?? 0),
    events: a.events + (b.events ?? 0),
    emailLogs: a.emailLogs + (b.emailLogs ?? 0),
    auditEntries: a.auditEntries + (b.auditEntries ?? 0),
    imports: a.imports + (b.imports ?? 0),
  };
}
