import type { Database } from "@dripline/db/database";
import { findInstallation } from "../find-installation.ts";
import { UserError } from "../user-error.ts";
import { withDatabase } from "../with-database.ts";

export interface RevokeKeyOptions {
  /** Or the whole key, as it was found somewhere it should not be. */
  readonly prefix: string;
  readonly now: Date;
}

/** Revokes an API key, for good: the next request with it is refused. */
export async function revokeKey(env: NodeJS.ProcessEnv, directory: string, options: RevokeKeyOptions): Promise<void> {
  const { databaseUrl } = findInstallation(env, directory);
  const prefix = options.prefix.trim().split("_").slice(0, 2).join("_");
  const outcome = await withDatabase(databaseUrl, (db) => revoke(db, prefix, options.now));
  if (outcome === undefined) {
    throw new UserError(
      `There is no API key ${prefix}. Write the part up to the second "_", such as dk_abcdefgh; GET /api/v1/api-keys/ lists them.`,
    );
  }
  console.log(
    outcome.isNew
      ? `The API key ${prefix} ("${outcome.name}") is revoked: the next request with it is refused.`
      : `The API key ${prefix} ("${outcome.name}") was revoked before.`,
  );
}

async function revoke(
  db: Database,
  prefix: string,
  now: Date,
): Promise<{ readonly name: string; readonly isNew: boolean } | undefined> {
  const [{ inTransaction }, { revokeApiKeys }, { findApiKeyByPrefix }, { insertAuditEntry }] = await Promise.all([
    import("@dripline/db/database"),
    import("@dripline/db/end-api-keys"),
    import("@dripline/db/queries/read-api-keys"),
    import("@dripline/db/queries/insert-audit-entry"),
  ]);
  return inTransaction(db, async (tx) => {
    const key = await findApiKeyByPrefix(tx, prefix, now);
    if (key === undefined) return undefined;
    const [id] = await revokeApiKeys(tx, [key.id], now);
    if (id === undefined) return { name: key.name, isNew: false };
    await insertAuditEntry(tx, {
      at: now,
      principal: "dripline revoke-api-key",
      action: "revokeApiKey",
      objectType: "api-keys",
      objectId: id,
    });
    return { name: key.name, isNew: true };
  });
}
