import type { Pruned } from "@dripline/engine/prune";
import { type AskFirst, askFirst } from "../ask-first.ts";
import { findInstallation } from "../find-installation.ts";
import { UserError } from "../user-error.ts";
import { withDatabase } from "../with-database.ts";

export interface PruneOptions extends AskFirst {
  /** As typed: 180d. */
  readonly olderThan: string;
  readonly isDryRun: boolean;
  readonly json: boolean;
  readonly print: (line: string) => void;
}

const dayMilliseconds = 86_400_000;

/**
 * Deletes the history of what was over so long ago, after saying how much that is.
 * @throws UserError when nobody is there to be asked and --yes was not given
 */
export async function pruneHistory(env: NodeJS.ProcessEnv, directory: string, options: PruneOptions): Promise<void> {
  const days = readDays(options.olderThan);
  const { databaseUrl } = findInstallation(env, directory);
  const [{ prune }, { readDatabaseNow }] = await Promise.all([
    import("@dripline/engine/prune"),
    import("@dripline/db/database-clock"),
  ]);
  const { print, isDryRun, json } = options;
  await withDatabase(databaseUrl, async (db) => {
    const before = new Date((await readDatabaseNow(db)).getTime() - days * dayMilliseconds);
    const report = (pruned: Pruned) =>
      json ? print(JSON.stringify({ before, isDryRun, ...pruned })) : describePruned(pruned).forEach(print);
    if (isDryRun || !options.isSure) {
      if (!json) print(`Of what was over before ${before.toISOString()}, this ${isDryRun ? "would go" : "goes"}:`);
      report(await prune(db, { before, isDryRun: true }));
    }
    if (isDryRun) return;
    const answer = await askFirst(options, "Delete it for good?");
    if (answer === "nobody_to_ask") throw new UserError("Nothing was deleted. If that is what you want, add --yes.");
    if (answer === "no") return print("Nothing was deleted.");
    const pruned = await prune(db, { before, isDryRun: false });
    if (!json) print(`Deleted, of what was over before ${before.toISOString()}:`);
    report(pruned);
  });
}

function describePruned({ executions, events, emailLogs, auditEntries, imports }: Pruned): string[] {
  return [
    `  ${executions} executions of enrollments that have ended, with ${events} events`,
    `  ${emailLogs} emails in the log`,
    `  ${auditEntries} entries of the audit log`,
    `  ${imports} imports`,
  ];
}

function readDays(text: string): number {
  const days = Number(/^(\d{1,5})d$/.exec(text)?.[1] ?? Number.NaN);
  if (days >= 1) return days;
  throw new UserError(
    `--older-than ${JSON.stringify(text)} is no number of days: write one such as 180d, at least 1d.`,
  );
}
