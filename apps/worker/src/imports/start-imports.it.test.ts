import { readImportedContact } from "@dripline/contract/imported-contact";
import { openDatabase } from "@dripline/db/database";
import { cancelImport } from "@dripline/db/end-import";
import { insertImport } from "@dripline/db/queries/insert-import";
import { listCompanies } from "@dripline/db/queries/read-companies";
import { findImport, readImportFailures } from "@dripline/db/queries/read-imports";
import { finishUpload } from "@dripline/db/receive-import-file";
import { takeImport } from "@dripline/db/take-import";
import { ImportOptions } from "@dripline/domain/import-options";
import { readImportRow } from "@dripline/engine/read-import-row";
import { storeImportFile } from "@dripline/engine/store-import-file";
import { writeImportBatch } from "@dripline/engine/write-import-batch";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { waitFor } from "@dripline/testkit/wait-for";
import { afterAll, expect, test } from "vitest";
import { makeSweepDeps } from "../testing/sweep-deps.ts";
import { importOnce, startImports } from "./start-imports.ts";

const { url } = await freshDatabase();
const db = openDatabase({ url, connectionsMax: 6, applicationName: "test", onError: () => {} });
afterAll(() => db.end());
const now = new Date("2026-11-23T03:00:00.000Z");
const { deps, woken } = makeSweepDeps(db, { now: () => now });
const running = new AbortController().signal;

let count = 0;
const newAddress = () => `row${++count}@example.com`;

/** An import whose file is there. */
async function put(file: string | Uint8Array, options: Partial<ImportOptions> = {}): Promise<string> {
  const values = { fileName: "", options: ImportOptions.parse(options), principal: "test", createdBy: null };
  const id = await insertImport(db, values, now);
  async function* pieces() {
    const bytes = Buffer.from(file);
    for (let at = 0; at < bytes.length; at += 1_000) yield bytes.subarray(at, at + 1_000);
  }
  const stored = await storeImportFile(db, id, pieces());
  if (stored.kind !== "stored" || !(await finishUpload(db, stored.upload, now))) throw new Error("not stored");
  return id;
}

/** Takes it in as a worker does, and answers what came of it. */
async function takeIn(file: string | Uint8Array, options: Partial<ImportOptions> = {}) {
  const id = await put(file, options);
  await importOnce(deps, running);
  return resultOf(id);
}

async function resultOf(id: string) {
  const row = await findImport(db, id);
  if (row === undefined) throw new Error("the import is gone");
  const failures = [];
  for await (const { rowNumber, code, fields } of readImportFailures(db, id))
    failures.push({ rowNumber, code, fields });
  const { created, updated, skipped, failed, enrolled, refused } = row;
  return { ...row, counts: { created, updated, skipped, failed, enrolled, refused }, failures };
}

const none = { created: 0, updated: 0, skipped: 0, failed: 0, enrolled: 0, refused: 0 };

async function contactAt(email: string) {
  const { rows } = await db.query(
    `select c.*, co.name as company_name from contact c left join company co on co.id = c.company_id
     where lower(c.email) = lower($1)`,
    [email],
  );
  return rows[0];
}

test("a file becomes contacts, by the usual names of columns, with companies by name and own attributes", async () => {
  const [ann, bob] = [newAddress(), newAddress()];
  const result = await takeIn(
    [
      "E-Mail,First Name,Lastname,Company,Time Zone,country,attributes.plan,Unknown",
      `${ann},Ann,Lee,Acme,Asia/Bangkok,th,pro,x`,
      `${bob},,,ACME,,,,`,
    ].join("\n"),
  );

  expect(result).toMatchObject({ status: "completed", rowsDone: 2, rowsTotal: 2, errorMessage: null, endedAt: now });
  expect(result.counts).toEqual({ ...none, created: 2 });
  expect(await contactAt(ann)).toMatchObject({
    email: ann,
    first_name: "Ann",
    last_name: "Lee",
    company_name: "Acme",
    timezone: "Asia/Bangkok",
    country: "TH",
    attributes: { plan: "pro" },
  });
  expect(await contactAt(bob)).toMatchObject({ first_name: "", company_name: "Acme", timezone: null, attributes: {} });
  const { rows } = await db.query("select count(*)::int as n from company where lower(name) = 'acme'");
  expect(rows[0].n).toBe(1);
  const { rows: chunks } = await db.query("select from contact_import_chunk where import_id = $1", [result.id]);
  expect(chunks).toEqual([]);
});

test("a company is found again however its name is spelled, also where JavaScript and PostgreSQL lower letters differently", async () => {
  const rows = ["ΔΕΛΤΑ ΑΕΣ", "δελτα αεσ", "İzmir Ltd"].map((company) => ({ company, email: newAddress() }));
  const file = `email,company\n${rows.map(({ email, company }) => `${email},${company}`).join("\n")}`;

  await takeIn(file);
  await takeIn(file, { on_match: "update" });

  const named = await Promise.all(rows.map(async ({ email }) => (await contactAt(email)).company_name));
  expect(named).toEqual(["ΔΕΛΤΑ ΑΕΣ", "ΔΕΛΤΑ ΑΕΣ", "İzmir Ltd"]);
  const { rows: companies } = await db.query("select from company where name = any($1)", [
    rows.map(({ company }) => company),
  ]);
  expect(companies).toHaveLength(2);
});

test("companies that an import makes are listed in the order of their making, as all others", async () => {
  const made = Array.from({ length: 4 }, (_, index) => `Made in turn ${index}`);
  for (const name of made) await takeIn(`email,company\n${newAddress()},${name}`);

  const request = { ordering: "created_at", size: 10, from: null, includeCount: false };
  const { rows } = await listCompanies(db, { search: "made in turn" }, request);

  expect(rows.map(({ name }) => name)).toEqual(made);
});

test("columns are named as the mapping says, or by number in a file without a header", async () => {
  const [ann, bob] = [newAddress(), newAddress()];
  const named = await takeIn(`Adresse;Vorname;Tarif\n${ann};Änne;gross`, {
    columns: { email: "adresse", first_name: 2, attributes: { tariff: "Tarif" } },
  });
  const numbered = await takeIn(`Ben\t\t${bob}\n`, {
    has_header: false,
    columns: { email: 3, first_name: 1, last_name: 2, attributes: {} },
  });

  expect(named.counts).toEqual({ ...none, created: 1 });
  expect(await contactAt(ann)).toMatchObject({ first_name: "Änne", attributes: { tariff: "gross" } });
  expect(numbered.counts).toEqual({ ...none, created: 1 });
  expect(await contactAt(bob)).toMatchObject({ first_name: "Ben", last_name: "" });
});

const umlauts = (email: string) => `email;first_name\r\n${email};Jürgen „der“ Große\r\n`;
const utf16 = (text: string, swapped: boolean) => {
  const bytes = Buffer.from(`\uFEFF${text}`, "utf16le");
  return swapped ? bytes.swap16() : bytes;
};

test.each<[string, (text: string) => Uint8Array, string]>([
  ["UTF-8", (text) => Buffer.from(text), "utf-8"],
  ["UTF-8 with a byte order mark", (text) => Buffer.from(`\uFEFF${text}`), "utf-8"],
  ["UTF-16, little end first", (text) => utf16(text, false), "utf-16le"],
  ["UTF-16, big end first", (text) => utf16(text, true), "utf-16be"],
  ["Windows-1252", (text) => Buffer.from(text.replace("„", "\x84").replace("“", "\x93"), "latin1"), "windows-1252"],
])("a file in %s is read as what it is", async (_, encode, encoding) => {
  const email = newAddress();
  const padding = Array.from({ length: 200 }, () => `${newAddress()};\r\n`).join("");
  const result = await takeIn(encode(`${umlauts(email) + padding}${newAddress()};Jürgen\r\n`));

  expect(result).toMatchObject({ status: "completed", rowsDone: 202, layout: { encoding, delimiter: ";" } });
  expect((await contactAt(email)).first_name).toBe("Jürgen „der“ Große");
});

test("rows that are wrong are listed with their fields and a reason, and the rest is taken in", async () => {
  const [good, quoted, short, last] = [newAddress(), newAddress(), newAddress(), newAddress()];
  const result = await takeIn(
    [
      "email,first_name,timezone,country,company,attributes.note",
      `${good},Ann,,,`,
      "no address,Ann,,,",
      ",Ann,,,",
      `${newAddress()},Ann,Bangkok,,`,
      `${newAddress()},Ann,,Thailand,`,
      "",
      ",,,,",
      `${quoted},,,,,"two`,
      `lines, and a ""quote"""`,
      short,
      `${newAddress()},Ann,,,Acme,,surplus`,
      `${last},Ann,,,,`,
      `${newAddress()},${"x".repeat(101)},,,`,
    ].join("\r\n"),
  );

  expect(result).toMatchObject({ status: "completed", rowsDone: 10, rowsTotal: 10 });
  expect(result.counts).toEqual({ ...none, created: 4, failed: 6 });
  expect(result.failures.map(({ rowNumber, code }) => [rowNumber, code])).toEqual([
    [2, "invalid_email"],
    [3, "missing_email"],
    [4, "invalid_timezone"],
    [5, "invalid_country"],
    [8, "too_many_fields"],
    [10, "invalid_first_name"],
  ]);
  expect(result.failures[0]?.fields).toEqual(["no address", "Ann", "", "", ""]);
  expect((await contactAt(quoted)).attributes).toEqual({ note: 'two\nlines, and a "quote"' });
  expect([await contactAt(good), await contactAt(short), await contactAt(last)]).not.toContain(undefined);
});

test("characters that PostgreSQL cannot store make a failed row, not a failed import", async () => {
  const email = newAddress();
  const result = await takeIn(`email,first_name\n${newAddress()},a\0b\n${email},Ann\n`);

  expect(result.counts).toEqual({ ...none, created: 1, failed: 1 });
  expect(result.failures[0]?.fields[1]).toBe("a\uFFFDb");
});

test("an address that stands in the file twice, in whatever case, is one contact", async () => {
  const email = newAddress();
  const result = await takeIn(`email,first_name\n${email},Ann\n${email.toUpperCase()},Anna\n${email},Anna\n`, {
    on_match: "update",
  });

  expect(result.counts).toEqual({ ...none, created: 1, updated: 1, skipped: 1 });
  expect(await contactAt(email)).toMatchObject({ email, first_name: "Anna" });
});

test.each([
  [
    "update",
    { updated: 1, skipped: 1 },
    { first_name: "Anna", last_name: "Lee", attributes: { plan: "pro", seats: 3 } },
    2,
  ],
  ["keep", { skipped: 2 }, { first_name: "Ann", last_name: "Lee", attributes: { plan: "free", seats: 3 } }, 2],
  ["skip", { skipped: 2 }, { first_name: "Ann", last_name: "Lee", attributes: { plan: "free", seats: 3 } }, 0],
] as const)("on_match %s: what becomes of contacts that are there", async (onMatch, counts, contact, enrolled) => {
  const { id: sequenceId } = await makeSequence(db);
  const attributes = { plan: "free", seats: 3 };
  const { email } = await makeContact(db, { firstName: "Ann", lastName: "Lee", attributes });
  const { email: same } = await makeContact(db, { firstName: "Ben" });

  const file = `email,first_name,last_name,attributes.plan\n${email.toUpperCase()},Anna,,pro\n${same},Ben,,\n`;
  const result = await takeIn(file, { on_match: onMatch, enroll_in: sequenceId });

  expect(result.counts).toEqual({ ...none, ...counts, enrolled });
  expect(await contactAt(email)).toMatchObject({ email, ...contact, revision: onMatch === "update" ? 2 : 1 });
  expect((await contactAt(same)).revision).toBe(1);
});

test("on_new skip: addresses that nobody has are passed over", async () => {
  const [email, known] = [newAddress(), await makeContact(db)];
  const result = await takeIn(`email,first_name\n${email},Ann\n${known.email},Anna\n`, {
    on_match: "update",
    on_new: "skip",
  });

  expect(result.counts).toEqual({ ...none, updated: 1, skipped: 1 });
  expect(await contactAt(email)).toBeUndefined();
});

test("everybody is enrolled once and woken after the commit; whoever cannot be is taken in and listed", async () => {
  const { id: sequenceId } = await makeSequence(db);
  const [email, suppressed] = [newAddress(), newAddress()];
  const optedOut = await makeContact(db, { optedOutAt: now });
  await db.query("insert into suppression (id, email, reason) values (gen_random_uuid(), $1, 'manual')", [suppressed]);
  woken.length = 0;

  const result = await takeIn(`email\n${email}\n${suppressed}\n${optedOut.email}\n${email}\n`, {
    enroll_in: sequenceId,
  });

  expect(result.counts).toEqual({ ...none, created: 2, skipped: 2, enrolled: 1, refused: 3 });
  expect(result.failures).toEqual([
    { rowNumber: 2, code: "contact_suppressed", fields: [suppressed] },
    { rowNumber: 3, code: "contact_opted_out", fields: [optedOut.email] },
    { rowNumber: 4, code: "already_enrolled", fields: [email] },
  ]);
  const { rows } = await db.query(
    `select e.id from step_execution e join sequence_enrollment n on n.id = e.enrollment_id where n.sequence_id = $1`,
    [sequenceId],
  );
  expect(woken.map(({ executionId }) => executionId)).toEqual(rows.map(({ id }) => id));
});

test("a dry run counts and lists the same, and writes nothing", async () => {
  const { id: sequenceId } = await makeSequence(db);
  const { email: known } = await makeContact(db, { firstName: "Ann" });
  const email = newAddress();
  woken.length = 0;

  const file = `email,first_name,company\n${email},Ben,Nowhere Ltd\n${known},Anna,\nnobody,,\n${email},Ben,\n`;
  const result = await takeIn(file, { on_match: "update", enroll_in: sequenceId, dry_run: true });

  expect(result).toMatchObject({ status: "completed", rowsDone: 4 });
  expect(result.counts).toEqual({ created: 1, updated: 1, skipped: 1, failed: 1, enrolled: 2, refused: 1 });
  expect(result.failures.map(({ code }) => code)).toEqual(["invalid_email", "already_enrolled"]);
  expect(await contactAt(email)).toBeUndefined();
  expect((await contactAt(known)).first_name).toBe("Ann");
  const { rows } = await db.query(
    "select (select count(*) from company where name = 'Nowhere Ltd') + (select count(*) from sequence_enrollment where sequence_id = $1) as n",
    [sequenceId],
  );
  expect(Number(rows[0].n)).toBe(0);
  expect(woken).toEqual([]);
});

test.each<[string, string | Uint8Array, Partial<ImportOptions>, RegExp]>([
  ["names no address", "name,phone\nAnn,1\n", {}, /none of its columns is called email.*1 "name", 2 "phone"/],
  ["lacks a column", "email\na@example.com\n", { columns: { email: "E-Post", attributes: {} } }, /no column "E-Post"/],
  ["has fewer columns", "email\na@example.com\n", { columns: { email: 2, attributes: {} } }, /no column 2 for email/],
  [
    "opens a quote and never closes it",
    `email\nlost@example.com\n"${"x".repeat(120_000)}`,
    {},
    /its line 3 opens a quote/,
  ],
  ["is an Excel workbook", Buffer.from("PK\x03\x04 and so on"), {}, /Excel workbook/],
  ["is not what was said", Buffer.from("email,n\na@example.com,\xfc\n", "latin1"), { encoding: "utf-8" }, /not UTF-8/],
  ["is UTF-16 without a mark", Buffer.from("email\na@example.com\n", "utf16le"), {}, /looks like UTF-16/],
])(
  "a file that %s ends the import with a sentence, and nothing of it is written",
  async (_, file, options, message) => {
    const result = await takeIn(file, options);

    expect(result).toMatchObject({ status: "failed", rowsDone: 0, endedAt: now });
    expect(result.errorMessage).toMatch(message);
    expect(await contactAt("lost@example.com")).toBeUndefined();
  },
);

/** A thousand rows, of which a first batch is written, as by a worker that then died. */
async function interrupted(sequenceId: string) {
  const rows = Array.from({ length: 1_000 }, (_, index) => `${newAddress()},Row ${index + 1}`);
  const id = await put(`email,first_name\n${rows.join("\n")}\n`, { enroll_in: sequenceId });
  const taken = await takeImport(db, { now });
  if (taken?.id !== id) throw new Error("another import was waiting");
  const file = {
    places: new Map([
      ["email", 0],
      ["first_name", 1],
    ]),
    columnsCount: 2,
  };
  const batch = rows
    .slice(0, 300)
    .map((row, index) => readImportRow({ rowNumber: index + 1, cells: row.split(",") }, file, readImportedContact));
  const write = () =>
    writeImportBatch(db, taken, batch, ImportOptions.parse({ enroll_in: sequenceId }), { now, pace: deps.pace });
  expect((await write()).kind).toBe("written");
  return { id, write };
}

test("another worker goes on with the row after the last one, once the dead worker's lease is over", async () => {
  const { id: sequenceId } = await makeSequence(db);
  const { id } = await interrupted(sequenceId);
  expect(await importOnce(deps, running)).toBeUndefined();
  await db.query("update contact_import set lease_until = now() - interval '1 second' where id = $1", [id]);

  expect(await importOnce(deps, running)).toEqual({ kind: "completed" });

  expect((await resultOf(id)).counts).toEqual({ ...none, created: 1_000, enrolled: 1_000 });
  const { rows } = await db.query("select count(*)::int as n from sequence_enrollment where sequence_id = $1", [
    sequenceId,
  ]);
  expect(rows[0].n).toBe(1_000);
});

test("a worker that was taken for dead and comes back writes nothing more", async () => {
  const { id: sequenceId } = await makeSequence(db);
  const { id, write } = await interrupted(sequenceId);

  expect(await write()).toEqual({ kind: "lost" });
  await db.query("update contact_import set lease_until = now() - interval '1 second' where id = $1", [id]);
  await takeImport(db, { now });
  expect(await write()).toEqual({ kind: "lost" });
  expect((await resultOf(id)).rowsDone).toBe(300);
  await cancelImport(db, id, now);
});

test("two workers never take the same import", async () => {
  const ids = [await put(`email\n${newAddress()}\n`), await put(`email\n${newAddress()}\n`)];

  const taken = await Promise.all([1, 2, 3].map(() => takeImport(db, { now })));

  expect(taken.flatMap((one) => one?.id ?? []).toSorted()).toEqual(ids.toSorted());
  for (const id of ids) await cancelImport(db, id, now);
});

test("a cancelled import stops at its next batch, and what is done stays done", async () => {
  const { id: sequenceId } = await makeSequence(db);
  const { id } = await interrupted(sequenceId);
  await db.query("update contact_import set lease_until = null where id = $1", [id]);
  const cancelling = { ...deps, queue: { ...deps.queue, wake: async () => void (await cancelImport(db, id, now)) } };

  expect(await importOnce(cancelling, running)).toEqual({ kind: "lost" });

  expect(await resultOf(id)).toMatchObject({ status: "cancelled", rowsDone: 600 });
});

test("a worker that is told to stop finishes its batch and gives the import back for the next one", async () => {
  const { id: sequenceId } = await makeSequence(db);
  const { id } = await interrupted(sequenceId);
  await db.query("update contact_import set lease_until = null where id = $1", [id]);
  const stopping = new AbortController();
  const stopped = { ...deps, queue: { ...deps.queue, wake: async () => stopping.abort() } };

  expect(await importOnce(stopped, stopping.signal)).toEqual({ kind: "stopped" });
  expect(await resultOf(id)).toMatchObject({ status: "running", rowsDone: 600, leaseUntil: null });

  expect(await importOnce(deps, running)).toEqual({ kind: "completed" });
  expect((await resultOf(id)).counts).toEqual({ ...none, created: 1_000, enrolled: 1_000 });
});

test("a contact that somebody else makes at the same moment is taken as it is then", async () => {
  const email = newAddress();
  const id = await put(`email,first_name\n${email},Ann\n`);
  const other = await db.connect();
  await other.query("begin");
  await other.query("insert into contact (id, email, first_name) values (gen_random_uuid(), $1, 'First')", [email]);
  const importing = importOnce(deps, running);
  await waitFor(async () => (await db.query("select from pg_locks where not granted")).rowCount === 1, {
    timeoutMilliseconds: 10_000,
    describe: "the import to wait for the other's contact",
  });
  await other.query("commit");
  other.release();

  expect(await importing).toEqual({ kind: "completed" });
  expect((await resultOf(id)).counts).toEqual({ ...none, skipped: 1 });
  expect((await contactAt(email)).first_name).toBe("First");
});

test("an import whose file does not come within a day is ended", async () => {
  const values = { fileName: "", options: {}, principal: "test", createdBy: null };
  const [old, recent] = [
    await insertImport(db, values, new Date(now.getTime() - 25 * 3_600_000)),
    await insertImport(db, values, new Date(now.getTime() - 23 * 3_600_000)),
  ];

  await importOnce(deps, running);

  expect(await resultOf(old)).toMatchObject({
    status: "failed",
    errorMessage: "Its file did not come within 24 hours.",
  });
  expect((await resultOf(recent)).status).toBe("uploading");
});

test("a running worker takes imports by itself, one after the other, until it is stopped", async () => {
  const ids = [await put(`email\n${newAddress()}\n`), await put(`email\n${newAddress()}\n`)];
  const imports = startImports(deps, 0.05);
  try {
    for (const id of [...ids, await put(`email\n${newAddress()}\n`)]) {
      await waitFor(async () => (await resultOf(id)).status === "completed", {
        timeoutMilliseconds: 10_000,
        describe: "the import to be taken in",
      });
    }
  } finally {
    await imports.stop();
  }
  const left = await put(`email\n${newAddress()}\n`);
  expect((await resultOf(left)).status).toBe("waiting");
});
