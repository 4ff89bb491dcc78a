import type { ApiKeyScope, NewApiKey } from "@dripline/db/api-keys";
import type { Database, Queryable } from "@dripline/db/database";
import { findInstallation } from "../find-installation.ts";
import { isUuid } from "../is-uuid.ts";
import { UserError } from "../user-error.ts";
import { withDatabase } from "../with-database.ts";

export interface CreateKeyOptions {
  readonly name: string;
  readonly scopes: readonly ApiKeyScope[];
  /** The id or the address of a user. */
  readonly user?: string;
  readonly expiresInDays?: number;
  readonly requestsPerMinute?: number;
  readonly now: Date;
}

const dayMilliseconds = 86_400_000;

/** Makes an API key and shows it, this once: the database keeps only a hash. */
export async function createKey(env: NodeJS.ProcessEnv, directory: string, options: CreateKeyOptions): Promise<void> {
  const { databaseUrl } = findInstallation(env, directory);
  const { name, scopes, user, expiresInDays, requestsPerMinute, now } = options;
  const expiresAt = expiresInDays === undefined ? null : new Date(now.getTime() + expiresInDays * dayMilliseconds);
  const created = await withDatabase(databaseUrl, async (db) => {
    const userId = user === undefined ? null : await usableUser(db, user);
    return record(db, { name, scopes, userId, expiresAt, requestsPerMinuteMax: requestsPerMinute ?? null, now });
  });
  const until = expiresAt === null ? "It does not expire." : `It expires on ${expiresAt.toISOString()}.`;
  console.error(`API key "${name}" with the scope ${scopes.join(", ")}. ${until} It is shown only now; keep it safe.`);
  console.log(created.key);
}

async function record(db: Database, values: NewApiKey): Promise<{ id: string; key: string }> {
  const [{ createApiKey }, { inTransaction }, { insertAuditEntry }] = await Promise.all([
    import("@dripline/db/api-keys"),
    import("@dripline/db/database"),
    import("@dripline/db/queries/insert-audit-entry"),
  ]);
  return inTransaction(db, async (tx) => {
    const created = await createApiKey(tx, values);
    await insertAuditEntry(tx, {
      at: values.now,
      principal: "dripline create-api-key",
      action: "createApiKey",
      objectType: "api-keys",
      objectId: created.id,
    });
    return created;
  });
}

async function usableUser(db: Queryable, who: string): Promise<string> {
  const { findUser, findUserIdByEmail } = await import("@dripline/db/queries/read-users");
  const id = isUuid(who) ? who : await findUserIdByEmail(db, who);
  const user = id === undefined ? undefined : await findUser(db, id);
  if (user === undefined) {
    throw new UserError(`There is no user ${who}. Write the id or the address of one, or leave --user out.`);
  }
  if (user.is_active) return user.id;
  throw new UserError(`The user ${who} is deactivated, so none of their keys works. Activate them first.`);
}
