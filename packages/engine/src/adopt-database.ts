import { type Database, inTransaction, type Queryable } from "@dripline/db/database";
import { readDatabaseNow } from "@dripline/db/database-clock";
import { holdRestored } from "@dripline/db/hold-restored";
import { insertAuditEntry } from "@dripline/db/queries/insert-audit-entry";
import { readFence } from "@dripline/db/read-fence";
import { deleteAdoption, lockAdoption, writeAdoption } from "@dripline/db/write-adoption";
import { type Fence, publicOriginOf } from "@dripline/domain/fence";

export interface AdoptDeps {
  readonly db: Database;
  /** The principal, for the record. */
  readonly actor: string;
}

export interface Adoption {
  /** As the workers have it; undefined where it is not known here: then the first worker writes its own. */
  readonly publicUrl: string | undefined;
  /** Holds what was due by then instead of letting it out; null: nothing is held. */
  readonly holdDueBy: Date | null;
}

export type AdoptResult =
  | { readonly kind: "adopted"; readonly held: number }
  /** Nothing was to be done, or somebody else was faster. */
  | { readonly kind: "open_already"; readonly fence: Extract<Fence, { kind: "open" }> };

/** So many in one transaction: what was held before a failure stays held, and the fence stays closed until all is. */
const batchMax = 5_000;

/**
 * Says that this database is the one that sends from now on; workers see it within seconds. What is to be held is held
 * before, while nothing can leave. Of two at once, one adopts.
 */
export async function adoptDatabase(
  { db, actor }: AdoptDeps,
  { publicUrl, holdDueBy }: Adoption,
): Promise<AdoptResult> {
  const found = await readFence(db, publicUrl);
  if (found.kind === "open") return { kind: "open_already", fence: found };
  const held = holdDueBy === null ? 0 : await holdAll(db, actor, holdDueBy);
  return inTransaction(db, async (tx) => {
    await lockAdoption(tx);
    const fence = await readFence(tx, publicUrl);
    if (fence.kind === "open") return { kind: "open_already", fence };
    const now = await readDatabaseNow(tx);
    await writeAdoption(tx, {
      publicOrigin: publicUrl === undefined ? null : publicOriginOf(publicUrl),
      now,
      by: actor,
    });
    const data = { was: fence.reason, held, ...(holdDueBy === null ? {} : { held_what_was_due_by: holdDueBy }) };
    await audit(tx, { at: now, principal: actor, action: "adopt", data });
    return { kind: "adopted", held };
  });
}

/** Closes the fence by hand: nothing is sent from here until it is adopted again. Answers whether it was open or a copy's. */
export async function revokeAdoption({ db, actor }: AdoptDeps): Promise<boolean> {
  return inTransaction(db, async (tx) => {
    await lockAdoption(tx);
    const isDeleted = await deleteAdoption(tx);
    const at = await readDatabaseNow(tx);
    if (isDeleted) await audit(tx, { at, principal: actor, action: "revoke-adoption", data: {} });
    return isDeleted;
  });
}

async function holdAll(db: Database, actor: string, dueBy: Date): Promise<number> {
  let held = 0;
  for (let batch = batchMax; batch === batchMax; held += batch) {
    const now = await readDatabaseNow(db);
    batch = await holdRestored(db, { dueBy, limit: batchMax }, { now, actor });
  }
  return held;
}

function audit(
  tx: Queryable,
  entry: Omit<Parameters<typeof insertAuditEntry>[1], "objectType" | "objectId">,
): Promise<void> {
  return insertAuditEntry(tx, { ...entry, objectType: "adoption", objectId: "" });
}
