import { freshDatabase } from "@dripline/testkit/database";
import { makeContact } from "@dripline/testkit/factories";
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
