import { findInstallation } from "../find-installation.ts";
import { migrateAll } from "../migrate-all.ts";

/** Brings the installation's database to this version. */
export async function migrate(env: NodeJS.ProcessEnv, directory: string): Promise<void> {
  const config = findInstallation(env, directory);
  await migrateAll(config.databaseUrl, config.redisUrl);
  console.log("The database is up to date.");
}
