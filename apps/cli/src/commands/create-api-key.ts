import { findInstallation } from "../find-installation.ts";
import { withDatabase } from "../with-database.ts";

/** Makes an API key and shows it, this once: the database keeps only a hash. */
export async function createKey(env: NodeJS.ProcessEnv, directory: string, name: string): Promise<void> {
  const { databaseUrl } = findInstallation(env, directory);
  const { createApiKey } = await import("@dripline/engine/api-keys");
  const { key } = await withDatabase(databaseUrl, (db) => createApiKey(db, { name }));
  console.error(`API key "${name}". It is shown only now; keep it safe.`);
  console.log(key);
}
