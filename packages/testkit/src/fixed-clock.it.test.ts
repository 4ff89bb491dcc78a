import { claimExecutions } from "@dripline/db/claim-executions";
import { newId } from "@dripline/db/new-id";
import { insertExecution, leaseSecondsLeft, readExecution, sourceOf } from "@dripline/db/testing/executions";
import { expect, test } from "vitest";
import { freshDatabase } from "./database.ts";
import { makeContact, makeSequence, scheduleUpdatedAt } from "./factories.ts";
import { fixClock } from "./fixed-clock.ts";

const { url, pool: db } = await freshDatabase();
const start = new Date("2031-05-06T07:08:09.010Z");
const clock = await fixClock(url, start);

test("the database's clock stands still, the code's beside it, until a test moves both", async () => {
  const read = async () => {
    const { rows } = await db.query("select now(), clock_timestamp() as clock, pg_sleep(0.01)");
    return [rows[0].now, rows[0].clock, clock.now()];
  };

  await clock.jumpTo(start);
  expect(await read()).toEqual([start, start, start]);
  const [later, earlier] = [new Date("2032-01-01T00:00:00.999Z"), new Date("1999-12-31T23:59:59Z")];
  await clock.jumpTo(later);
  expect(await read()).toEqual([later, later, later]);
  await clock.jumpTo(earlier);
  expect(await read()).toEqual([earlier, earlier, earlier]);
});

test("rows say of themselves that they were made and changed at its instant", async () => {
  await clock.jumpTo(start);
  const { id } = await makeContact(db);
  const inserted = await db.query(
    "insert into company (id, name) values ($1, 'Acme') returning created_at, updated_at",
    [newId()],
  );

  const contact = await db.query("select created_at, updated_at from contact where id = $1", [id]);
  expect([...inserted.rows, ...contact.rows]).toEqual(Array(2).fill({ created_at: start, updated_at: start }));
  const { rows } = await db.query(
    "select table_name, column_name from information_schema.columns where table_schema = 'public' and column_default = 'pg_catalog.now()'",
  );
  expect(rows).toEqual([]);
});

test("an arrow runs at its instant: a claim finds what is due then, and its lease counts from then", async () => {
  const contact = await makeContact(db);
  const due = await insertExecution(db, await makeSequence(db), contact.id, { scheduledFor: start });
  const wake = {
    executionId: due.executionId,
    generation: 0,
    stepId: due.sequence.stepIds[0] ?? "",
    messageId: "<1@example.com>",
    source: sourceOf(due.sequence.stepIds[0] ?? ""),
    openUntil: new Date(start.getTime() + 3_600_000),
    scheduleUpdatedAt,
    zone: { zone: "UTC", source: "schedule" },
  } as const;

  await clock.jumpTo(new Date(start.getTime() - 1));
  expect(await claimExecutions(db, [wake], 60)).toEqual([]);
  await clock.jumpTo(start);
  expect(await claimExecutions(db, [wake], 60)).toMatchObject([{ leaseUntil: new Date(start.getTime() + 60_000) }]);

  expect(await leaseSecondsLeft(db, due.executionId)).toBe(60);
  expect((await readExecution(db, due.executionId)).updatedAt).toEqual(start);
});

test("a database that somebody is connected to already is refused", async () => {
  await db.query("select");
  await expect(fixClock(url, start)).rejects.toThrow(/before anything connects/);
});
