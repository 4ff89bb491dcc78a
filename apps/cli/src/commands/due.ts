import { describeDue } from "../describe-due.ts";
import { findInstallation, givenPublicUrl } from "../find-installation.ts";
import { withDatabase } from "../with-database.ts";

export interface DueOptions {
  /** List the pending work itself. Nothing is sent either way. */
  readonly dryRun: boolean;
  readonly json: boolean;
  readonly limit: number;
}

/** Tells what is due, without touching any of it. */
export async function due(env: NodeJS.ProcessEnv, directory: string, options: DueOptions): Promise<void> {
  const config = findInstallation(env, directory);
  const { dueReport } = await import("@dripline/engine/due-report");
  const publicUrl = givenPublicUrl(env, directory, config);
  const limit = options.dryRun ? options.limit : 0;
  const report = await withDatabase(config.databaseUrl, (db) => dueReport(db, { limit, publicUrl }));
  if (!options.json) return console.log(describeDue(report, options));
  const { pending, ...totals } = report;
  console.log(JSON.stringify(options.dryRun ? report : totals, null, 2));
}
