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

test("a connection that is lost between two statements of a transaction fails that transaction, and nothing else", async () => {
  const error = await inTransaction(db, async (tx) => {
    const { rows } = await tx.query<{ pid: number }>("select pg_backend_pid() as pid");
    await pool.query("select pg_terminate_backend($1)", [rows[0]?.pid]);
    // Only once the process has heard of it: an error that nobody listens to would end it here.
    await waitFor(
      () => (tx as unknown as { _ended: boolean })._ended || !(tx as unknown as { _queryable: boolean })._queryable,
      {
        timeoutMilliseconds: 5_000,
        describe: "the connection to be known as lost",
      },
    );
    return tx.query("select 1").then(() => undefined);
  }).catch((reason: unknown) => reason);

  expect(isDatabaseUnavailable(error)).toBe(true);
  expect((await db.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
});
