import { copyDatabase, emptyDatabase, freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence, scheduleUpdatedAt } from "@dripline/testkit/factories";
import type pg from "pg";
import { beforeEach, describe, expect, test } from "vitest";
import { claimExecutions } from "./claim-executions.ts";
import { markData } from "./mark-data.ts";
import { migrateDatabase } from "./migrate.ts";
import { notePublicOrigin, readFence } from "./read-fence.ts";
import { insertExecution, readExecution, sourceOf } from "./testing/executions.ts";
import { writeAdoption } from "./write-adoption.ts";

const { pool: db } = await freshDatabase();
const publicUrl = "https://mail.example.com";
const adopt = (to: pg.Pool, publicOrigin: string | null = null) =>
  writeAdoption(to, { publicOrigin, now: new Date(), by: "an operator" });

async function stateOf(of: pg.Pool, url: string | undefined = publicUrl): Promise<string> {
  const fence = await readFence(of, url);
  return fence.kind === "open" ? "open" : fence.reason;
}

beforeEach(() => adopt(db));

/** What restoring a dump over a table does: the same rows, written by another transaction. */
const writeRowsAnew = `
  begin; create table kept as table adoption; commit;
  begin; truncate adoption; insert into adoption table kept; drop table kept; commit`;

/** What restoring a dump that makes its tables does, even if the transaction had the same number. */
const makeTableAnew = `
  create table anew (like adoption including all); insert into anew table adoption;
  drop table adoption; alter table anew rename to adoption; update adoption set row_xid = pg_current_xact_id()::xid`;

describe("a database in which the first migration runs", async () => {
  const { url, pool } = await emptyDatabase();

  test("is the original, and migrating it again changes nothing about that", async () => {
    await migrateDatabase(url);
    expect(await stateOf(pool)).toBe("open");
    const before = await pool.query("select * from adoption");
    await migrateDatabase(url);
    expect((await pool.query("select * from adoption")).rows).toEqual(before.rows);
    expect(before.rows).toMatchObject([{ adopted_by: "dripline migrate", public_origin: null }]);
  });
});

describe("the fence of a copy is closed:", () => {
  test("made by the server from a template", async () => {
    const original = await freshDatabase();
    await original.pool.end();
    const copy = await copyDatabase(original.url);
    expect(await stateOf(copy.pool)).toBe("copied");
    await adopt(copy.pool);
    expect(await stateOf(copy.pool)).toBe("open");
    await copy.drop();
    await original.drop();
  });

  test("restored into the very database, over its rows", async () => {
    await db.query(writeRowsAnew);
    expect(await stateOf(db)).toBe("copied");
  });

  test("restored into the very database, its tables made anew", async () => {
    await db.query(makeTableAnew);
    expect(await stateOf(db)).toBe("copied");
  });

  test("restored into an installation that had begun already", async () => {
    await db.query("begin; create table other as table adoption; update other set id = gen_random_uuid(); commit");
    await db.query("insert into adoption table other; drop table other");
    expect(await stateOf(db)).toBe("copied");
  });

  test("without any row", async () => {
    await db.query("delete from adoption");
    expect(await stateOf(db)).toBe("never_adopted");
  });
});

test("what keeps a database the same keeps it open: VACUUM FULL, FREEZE, a new name, looking at the row", async () => {
  const same = await freshDatabase();
  await same.pool.query("vacuum (full, freeze) adoption");
  await same.pool.query("select from adoption for update");
  expect(await stateOf(same.pool)).toBe("open");
  await same.pool.end();

  const renamed = new URL(same.url);
  const name = renamed.pathname.slice(1);
  await db.query(`alter database ${name} rename to ${name}_renamed`);
  renamed.pathname += "_renamed";
  const { openDatabase } = await import("./database.ts");
  const pool = openDatabase({ url: renamed.href, connectionsMax: 1, applicationName: "test", onError: () => {} });
  expect(await stateOf(pool)).toBe("open");
  await pool.end();
  await db.query(`drop database ${name}_renamed`);
});

test("the first public address that is brought is kept, and any other is fenced from then on", async () => {
  await notePublicOrigin(db, "http://127.0.0.1:4600");
  expect(await stateOf(db, "https://staging.example.com")).toBe("open");

  await Promise.all([notePublicOrigin(db, publicUrl), notePublicOrigin(db, publicUrl)]);
  await notePublicOrigin(db, "https://staging.example.com");

  expect(await stateOf(db)).toBe("open");
  expect(await stateOf(db, "https://staging.example.com")).toBe("other_public_url");
  expect(await stateOf(db, "http://127.0.0.1:4600")).toBe("other_public_url");
});

test("an address is never noted in a copy: that would adopt it", async () => {
  await db.query(writeRowsAnew);
  await notePublicOrigin(db, publicUrl);
  expect(await stateOf(db)).toBe("copied");
});

describe("the last look before an email leaves", async () => {
  const sequence = await makeSequence(db);
  const openUntil = new Date(Date.now() + 3_600_000);

  async function dueExecution() {
    const { executionId } = await insertExecution(db, sequence, (await makeContact(db)).id);
    const [stepId = ""] = sequence.stepIds;
    const zone = { zone: "UTC", source: "schedule" } as const;
    const request = { executionId, generation: 0, stepId, messageId: `<${executionId}@example.com>`, zone };
    return { ...request, source: sourceOf(stepId), openUntil, scheduleUpdatedAt };
  }

  test("a closed fence refuses the claim and leaves the row as it was; adopting lets it through", async () => {
    const request = await dueExecution();
    const before = await readExecution(db, request.executionId);
    await db.query(writeRowsAnew);

    expect(await claimExecutions(db, [request], 60)).toEqual([]);
    expect(await readExecution(db, request.executionId)).toEqual(before);

    await adopt(db);
    expect(await claimExecutions(db, [request], 60)).toHaveLength(1);
  });

  test("a fence that closes after the claim refuses the mark, so that no body byte leaves", async () => {
    const request = await dueExecution();
    const [claim] = await claimExecutions(db, [request], 60);
    const mark = { ...request, generation: claim?.generation ?? 0 };
    await db.query("delete from adoption");

    expect(await markData(db, [mark], 60)).toEqual([]);
    await adopt(db);
    expect(await markData(db, [mark], 60)).toEqual([request.executionId]);
  });
});
