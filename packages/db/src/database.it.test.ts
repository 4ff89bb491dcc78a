import { freshDatabase } from "@dripline/testkit/database";
import { makeContact } from "@dripline/testkit/factories";
import { waitFor } from "@dripline/testkit/wait-for";
import { afterAll, expect, test } from "vitest";
import { inTransaction, isDatabaseUnavailable, isStatementAtFault, openDatabase } from "./database.ts";

const { url, pool } = await freshDatabase();
const db = openDatabase({ url, connectionsMax: 2, applicationName: "test", onError: () => {}, lockSeconds: 0.2 });
afterAll(() => db.end());

test("a statement that waits too long for somebody else's row fails, and is worth another try", async () => {
  const { id } = await makeContact(pool);
  const error = await inTransaction(db, async (holder) => {
    await holder.query("select from contact where id = $1 for update", [id]);
    return db.query("update contact set first_name = 'Ben' where id = $1", [id]).then(
      () => undefined,
      (reason: unknown) => reason,
    );
  });

  expect(error).toMatchObject({ code: "55P03" });
  expect(isDatabaseUnavailable(error)).toBe(true);
  expect(isStatementAtFault(error)).toBe(false);
});

test("a connection that dies inside a transaction ends the transaction, not the process", async () => {
  const lost = inTransaction(db, async (tx) => {
    const { rows } = await tx.query("select pg_backend_pid() as pid");
    await pool.query("select pg_terminate_backend($1, 5000)", [rows[0].pid]);
    // Nothing is under way on it when it dies: what a sweep's lock looks like while the sweep works.
    await waitFor(() => tx.query("select").then(() => false, () => true), {
      timeoutMilliseconds: 5_000,
      describe: "the connection to be gone",
    });
    throw new Error("it is gone");
  });

  await expect(lost).rejects.toThrow("it is gone");
  expect((await db.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
});
