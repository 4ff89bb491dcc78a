import { describeDoubts } from "../describe-doubts.ts";
import { findInstallation } from "../find-installation.ts";
import { withDatabase } from "../with-database.ts";

export interface InDoubtOptions {
  readonly json: boolean;
  readonly limit: number;
}

/** Tells what is in doubt now and what became of earlier doubts, without touching any of it. */
export async function inDoubt(env: NodeJS.ProcessEnv, directory: string, options: InDoubtOptions): Promise<void> {
  const { databaseUrl } = findInstallation(env, directory);
  const { doubtReport } = await import("@dripline/engine/doubt-report");
  const report = await withDatabase(databaseUrl, (db) => doubtReport(db, options));
  console.log(options.json ? JSON.stringify(report, null, 2) : describeDoubts(report, options));
}
