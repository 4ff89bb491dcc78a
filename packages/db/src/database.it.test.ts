import { freshDatabase } from "@dripline/testkit/database";
import { makeContact } from "@dripline/testkit/factories";
import type { PoolClient } from "pg";
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

test("a connection that dies between two statements of a transaction fails the next one, and does not end the process", async () => {
  const database = openDatabase({ url, connectionsMax: 1, applicationName: "test", onError: () => {} });
  const lost = inTransaction(database, async (tx) => {
    const { rows } = await tx.query("select pg_backend_pid() as pid");
    const ended = new Promise((resolve) => (tx as PoolClient).once("end", resolve));
    await pool.query("select pg_terminate_backend($1, 5000)", [rows[0].pid]);
    // The end of the connection arrives while nothing is asked; without a listener it would be an uncaught exception.
    await ended;
    await tx.query("select 1");
  });

  expect(await lost.catch((error: unknown) => isDatabaseUnavailable(error))).toBe(true);
  expect((await database.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  await database.end();
});
