import type { ApiKeyScope } from "@dripline/db/api-keys";
import { findInstallation } from "../find-installation.ts";
import { withDatabase } from "../with-database.ts";

/** Makes an API key and shows it, this once: the database keeps only a hash. */
export async function createKey(
  env: NodeJS.ProcessEnv,
  directory: string,
  key: { name: string; scopes: readonly ApiKeyScope[]; now: Date },
): Promise<void> {
  const { databaseUrl } = findInstallation(env, directory);
  const { createApiKey } = await import("@dripline/db/api-keys");
  const created = await withDatabase(databaseUrl, (db) => createApiKey(db, key));
  console.error(`API key "${key.name}". It is shown only now; keep it safe.`);
  console.log(created.key);
}
