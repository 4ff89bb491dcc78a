import type { Database } from "@dripline/db/database";
import { inSnapshot } from "@dripline/db/in-snapshot";
import { countDoubts, type DoubtCounts } from "@dripline/db/queries/count-doubts";
import { type OpenDoubtRow, readOpenDoubts } from "@dripline/db/queries/read-open-doubts";

export interface DoubtReport {
  /** Of every sequence in which an email was ever in doubt, those with open ones first. */
  readonly bySequence: readonly DoubtCounts[];
  /** What is in doubt now, oldest first. */
  readonly open: readonly OpenDoubtRow[];
}

/** What is in doubt and what became of earlier doubts, at one moment, without touching any of it. */
export function doubtReport(db: Database, { limit }: { readonly limit: number }): Promise<DoubtReport> {
  return inSnapshot(db, async (tx) => ({
    bySequence: await countDoubts(tx),
    open: await readOpenDoubts(tx, limit),
  }));
}
