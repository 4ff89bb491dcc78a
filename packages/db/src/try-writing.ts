import { type Database, inTransaction } from "./database.ts";
import { tryOut } from "./try-out.ts";

/**
 * Has the database write a megabyte where its tables are, and takes it back: nothing is left, and no table of ours is
 * touched. What can only be read (a full disk, a standby) goes on answering everything else.
 *
 * @throws what PostgreSQL says when it cannot
 */
export async function tryWriting(database: Database): Promise<void> {
  await inTransaction(database, async (tx) => {
    // A temporary table, because nobody waits for its locks and its user need own no schema; it would go where temporary
    // files go, though, which may be another disk.
    await tx.query("set local temp_tablespaces = ''");
    await tryOut(tx, () =>
      tx.query(
        "create temporary table dripline_doctor on commit drop as select md5(n::text) from generate_series(1, 16000) n",
      ),
    );
  });
}
