import { openDatabase } from "@dripline/db/database";
import { REAL_PACE } from "@dripline/domain/delay";
import { freshDatabase } from "@dripline/testkit/database";
import { afterAll, expect, test } from "vitest";
import { dueReport } from "./due-report.ts";
import { seedSample } from "./seed-sample.ts";

const { url } = await freshDatabase();
const db = openDatabase({ url, connectionsMax: 4, applicationName: "test", onError: () => {} });
afterAll(() => db.end());

const when = { now: new Date(), pace: REAL_PACE };

test("the sample is seeded once, however many start at the same time, and not again after it was deleted", async () => {
  const results = await Promise.all([seedSample(db, when), seedSample(db, when), seedSample(db, when)]);
  expect(results.filter((result) => result !== undefined)).toHaveLength(1);
  const { rows } = await db.query("select name from email_sequence order by name");
  expect(rows.map((row) => row.name)).toEqual(["Demo Follow-up (business hours)", "New Customer Onboarding"]);

  await db.query("truncate email_sequence cascade");
  expect(await seedSample(db, when)).toBeUndefined();
});

test("the due report lists what is scheduled without touching it", async () => {
  const other = await freshDatabaseWithSample();
  const report = await dueReport(other, { limit: 10 });
  expect(report).toMatchObject({ byStatus: { scheduled: 1 }, dueNow: 1 });
  expect(report.pending).toMatchObject([
    {
      status: "scheduled",
      isDue: true,
      sequenceName: "New Customer Onboarding",
      stepNumber: 1,
      stepName: "Welcome Email",
      contactEmail: "demo@example.com",
      reason: null,
    },
  ]);
  expect(await dueReport(other, { limit: 10 })).toMatchObject({ byStatus: { scheduled: 1 }, dueNow: 1 });
});

/** The same database, as if it had never been seeded. */
async function freshDatabaseWithSample() {
  await db.query("truncate installation, schedule, email_template, contact cascade");
  await seedSample(db, when);
  return db;
}
