import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { insertImport } from "@dripline/db/queries/insert-import";
import { finishUpload } from "@dripline/db/receive-import-file";
import { storeImportFile } from "@dripline/engine/store-import-file";
import { freshDatabase } from "@dripline/testkit/database";
import { makeSequence } from "@dripline/testkit/factories";
import { waitFor } from "@dripline/testkit/wait-for";
import { afterAll, expect, test } from "vitest";
import { type RunningProcess, startProcess } from "./child-process.ts";
import { runCommand } from "./run-command.ts";

/** Real processes that take files of contacts in. */
const database = await freshDatabase();
const workers: RunningProcess[] = [];
const directory = await mkdtemp(join(tmpdir(), "dripline-import-"));
afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.end("SIGKILL")));
  await rm(directory, { recursive: true });
});

const env = {
  DATABASE_URL: database.url,
  SMTP_URL: "smtp://127.0.0.1:9", // nobody's: nothing is due
  MAIL_FROM: "Acme <hello@acme.example>",
  DRIPLINE_SECRET: "a secret of at least thirty-two characters",
};

async function startWorker(): Promise<RunningProcess> {
  const worker = await startProcess("worker", env);
  workers.push(worker);
  return worker;
}

/** Its first email is due in a month: there is nothing to send. */
const laterSequence = () => makeSequence(database.pool, { steps: [{ delay: { value: 30, unit: "days" } }] });

async function importRow(id: string) {
  const { rows } = await database.pool.query("select * from contact_import where id = $1", [id]);
  return rows[0];
}

test("a worker killed in the middle of a file is followed by another, and every row is taken in exactly once", async () => {
  const rowsTotal = 5_000;
  const sequence = await laterSequence();
  const rows = Array.from({ length: rowsTotal }, (_, row) => `killed${row}@example.com,Row ${row}\n`);
  const options = { on_match: "update", enroll_in: sequence.id };
  const values = { fileName: "", options, principal: "test", createdBy: null };
  const id = await insertImport(database.pool, values, new Date());
  async function* file() {
    yield Buffer.from(`email,first_name\n${rows.join("")}`);
  }
  const stored = await storeImportFile(database.pool, id, file());
  if (stored.kind !== "stored") throw new Error("not stored");

  const first = await startWorker();
  await finishUpload(database.pool, stored.upload, new Date());
  await waitFor(async () => (await importRow(id)).rows_done > 0, {
    timeoutMilliseconds: 60_000,
    describe: "the first worker to be in the middle of the file",
  });
  await first.end("SIGKILL");
  const left = await importRow(id);
  expect(left.status).toBe("running");
  expect(left.rows_done).toBeLessThan(rowsTotal);

  await startWorker();
  await waitFor(async () => (await importRow(id)).status === "completed", {
    timeoutMilliseconds: 120_000,
    describe: "the second worker to take the rest in",
  });
  const done = await importRow(id);
  expect(done).toMatchObject({ rows_done: rowsTotal, created: rowsTotal, enrolled: rowsTotal, failed: 0, refused: 0 });
  const { rows: counted } = await database.pool.query(
    `select count(*)::int as enrollments, count(distinct contact_id)::int as people from sequence_enrollment
     where sequence_id = $1`,
    [sequence.id],
  );
  expect(counted[0]).toEqual({ enrollments: rowsTotal, people: rowsTotal });
}, 240_000);

test("the command takes a file in, ends with 1 if rows failed, and writes those beside it", async () => {
  const sequence = await laterSequence();
  const file = join(directory, "people.csv");
  await writeFile(file, "Adresse;Name\nann@example.com;Ann\nno address;Ben\nANN@example.com;Ann\n");
  const map = ["--map", "email=Adresse", "first_name=2"];

  const dry = await runCommand(["import", file, ...map, "--enroll-in", sequence.id, "--dry-run"], env);
  expect(dry.stdout).toContain("3 rows would be done; nothing was written: 1 created");
  const real = await runCommand(["import", file, ...map, "--enroll-in", sequence.id], env);

  expect(real, real.stderr).toMatchObject({ code: 1 });
  expect(real.stdout).toContain("3 rows done: 1 created, 0 updated, 1 left as they are, 1 failed.");
  expect(real.stdout).toContain("1 enrolled, 1 could not be.");
  const failures = await readFile(`${file}.failures.csv`, "utf8");
  expect(failures).toContain("no address,Ben,2,invalid_email,");
  expect(failures).toContain("ANN@example.com,Ann,3,already_enrolled,");
  expect(real.stderr).toContain("100 %  3 of 3");

  await writeFile(file, "email\nbob@example.com\n");
  expect((await runCommand(["import", file], env)).code).toBe(0);
  const wrong = await runCommand(["import", file, "--map", "email=Adresse"], env);
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toContain('there is no column "Adresse" for email');
  for (const [option, value] of [
    ["--encoding", "klingon"],
    ["--delimiter", "dot"],
    ["--on-new", "guess"],
  ] as const) {
    const { code, stderr } = await runCommand(["import", file, option, value], env);
    expect({ option, code, isNamed: stderr.includes(`${option}:`) }).toEqual({ option, code: 1, isNamed: true });
  }
  await writeFile(file, "who\tcalled\nbob@example.com\tBob\n");
  expect((await runCommand(["import", file], env)).stderr).toContain("say in --map which one it is");
  const skipping = await runCommand(
    ["import", file, "--map", "email=who", "--delimiter", "tab", "--on-new", "skip"],
    env,
  );
  expect(skipping.stdout).toContain("1 rows done: 0 created, 0 updated, 1 left as they are");
  const { rows } = await database.pool.query(
    "select count(*)::int as count from audit_log where principal = 'dripline import'",
  );
  expect(rows[0].count).toBeGreaterThan(0);
  expect((await runCommand(["import", join(directory, "none.csv")], env)).stderr).toContain("there is no such file");
}, 120_000);
