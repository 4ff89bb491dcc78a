import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { migrationsFolder } from "./migration-state.ts";
import { findBrokenRules } from "./testing/migration-rules.ts";

/** Of before there was an installation to upgrade. */
const beforeTheRules = 5;

const files = readdirSync(migrationsFolder)
  .filter((name) => name.endsWith(".sql"))
  .toSorted();

describe("a migration runs while the version before still sends", () => {
  test.each(files.slice(beforeTheRules))("%s", (name) => {
    expect(findBrokenRules(readFileSync(`${migrationsFolder}/${name}`, "utf8"))).toEqual([]);
  });
});

test("migrations are numbered without gaps and are all in the journal", () => {
  const journal = JSON.parse(readFileSync(`${migrationsFolder}/meta/_journal.json`, "utf8")) as {
    entries: { tag: string; when: number }[];
  };
  expect(files).toEqual(journal.entries.map(({ tag }) => `${tag}.sql`));
  expect(files.map((name) => Number(name.slice(0, 4)))).toEqual(files.map((_, index) => index));
  // What decides whether one still has to run is its time, not its number.
  const times = journal.entries.map(({ when }) => when);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
});

describe("the rules", () => {
  test.each([
    ['DROP TABLE "email_log";', /drops/],
    ['ALTER TABLE "contact" DROP COLUMN "country";', /drops/],
    ['ALTER TABLE "contact" RENAME COLUMN "country" TO "land";', /renames/],
    ['ALTER TABLE "contact" ALTER COLUMN "country" SET DATA TYPE integer;', /rewrites/],
    ['ALTER TABLE "schedule" ALTER COLUMN "name" SET NOT NULL;', /demands/],
    ['ALTER TABLE "schedule" ADD COLUMN "kind" text NOT NULL;', /demands/],
    ['ALTER TABLE "schedule" ADD COLUMN "key" uuid DEFAULT gen_random_uuid() NOT NULL;', /rewrites/],
    ['ALTER TABLE "email_log" ADD CONSTRAINT "x" CHECK ("outcome" <> \'\');', /NOT VALID/],
    ['CREATE INDEX "x" ON "step_execution" USING btree ("sent_at");', /index of a big table/],
    ['CREATE UNIQUE INDEX IF NOT EXISTS "x" ON "public"."contact" ("email");', /index of a big table/],
    ['DROP INDEX "contact_created_idx";', /takes an index away/],
    ['UPDATE "step_execution" e SET "worker_losses" = 0;', /rewrites the rows/],
    ['DELETE FROM "email_log" WHERE "sent_at" < now();', /deletes/],
    ['ALTER TABLE "adoption" ADD COLUMN "note" text;', /fenced/],
  ])("refuse %s", (sql, rule) => {
    expect(findBrokenRules(sql)).toMatchObject([{ rule: expect.stringMatching(rule) }]);
  });

  test.each([
    'ALTER TABLE "contact" ADD COLUMN "language" text;',
    'ALTER TABLE "contact" ADD COLUMN "score" integer DEFAULT 0 NOT NULL;',
    'ALTER TABLE "email_log" ADD CONSTRAINT "x" CHECK ("outcome" <> \'\') NOT VALID;',
    'ALTER TABLE "email_log" VALIDATE CONSTRAINT "x";',
    'ALTER TABLE "step_execution" DROP CONSTRAINT "x";',
    'CREATE TABLE "tag" ("id" uuid PRIMARY KEY NOT NULL);\n--> statement-breakpoint\nCREATE INDEX "tag_idx" ON "tag" ("id");',
    '-- safe: the table is new since the last release, and empty\nDELETE FROM "email_log";',
  ])("let %s through", (sql) => {
    expect(findBrokenRules(sql)).toEqual([]);
  });
});
