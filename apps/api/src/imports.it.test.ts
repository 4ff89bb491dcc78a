import { request } from "node:http";
import { appendChunk, beginUpload } from "@dripline/db/receive-import-file";
import { freshDatabase } from "@dripline/testkit/database";
import { waitFor } from "@dripline/testkit/wait-for";
import { expect, test } from "vitest";
import { expectProblem, makers, nobody } from "./testing/make.ts";
import { type Answer, startApi, testNow } from "./testing/start-api.ts";

const { url } = await freshDatabase();
const api = await startApi(url);
const make = makers(api);

const upload = (id: string, body: string, type = "text/csv"): Promise<Answer> =>
  api.send("PUT", `/api/v1/imports/${id}/file/`, { body, headers: { "content-type": type } });

async function storedFile(id: string): Promise<string> {
  const { rows } = await api.database.query<{ bytes: Buffer }>(
    "select bytes from contact_import_chunk where import_id = $1 order by number",
    [id],
  );
  return Buffer.concat(rows.map(({ bytes }) => bytes)).toString();
}

/** As a worker would have left it. */
async function endImport(id: string, values: { columns: string[]; failures: [number, string, string, string[]][] }) {
  await api.database.query(
    `update contact_import set status = 'completed', rows_done = 10, rows_total = 10, failed = $2, layout = $3 where id = $1`,
    [id, values.failures.length, JSON.stringify({ encoding: "utf-8", delimiter: ",", columns: values.columns })],
  );
  for (const [row, code, message, fields] of values.failures) {
    await api.database.query("insert into contact_import_failure values ($1, $2, $3, $4, $5)", [
      id,
      row,
      code,
      message,
      JSON.stringify(fields),
    ]);
  }
}

test("an import says what is to become of a file, and waits for a worker once the file is there", async () => {
  const sequence = await make.sequence();
  const asked = {
    file_name: "fair.csv",
    columns: { email: "E-Mail", first_name: 2, attributes: { plan: "Plan" } },
    on_match: "update",
    enroll_in: sequence.id,
  };

  const created = await make.import(asked);

  expect(created).toMatchObject({
    status: "uploading",
    file_name: "fair.csv",
    options: {
      on_match: "update",
      columns: asked.columns,
      enroll_in: sequence.id,
      has_header: true,
      dry_run: false,
      delimiter: "auto",
      encoding: "auto",
    },
    layout: null,
    rows_total: null,
    progress: null,
    counts: { created: 0, updated: 0, skipped: 0, failed: 0, enrolled: 0, refused: 0 },
    created_at: testNow.toISOString(),
  });
  const file = "E-Mail,Vorname\r\nann@example.com,Ann\r\n";
  const uploaded = await upload(created.id, file);
  expect(uploaded.status).toBe(202);
  expect(uploaded.body).toMatchObject({ id: created.id, status: "waiting", bytes_total: file.length });
  expect(await storedFile(created.id)).toBe(file);
  expect((await api.get(`/api/v1/imports/${created.id}/`)).body).toEqual(uploaded.body);
});

test("a file of megabytes is stored byte for byte, in pieces", async () => {
  const { id } = await make.import();
  const file = `email\n${Array.from({ length: 80_000 }, (_, row) => `contact${row}@example.com\n`).join("")}`;

  expect((await upload(id, file, "text/tab-separated-values")).body.bytes_total).toBe(file.length);

  expect((await storedFile(id)) === file).toBe(true);
  const { rows } = await api.database.query(
    "select count(*)::int as pieces, max(length(bytes))::int as longest from contact_import_chunk where import_id = $1",
    [id],
  );
  expect(rows[0].pieces).toBeGreaterThan(3);
  expect(rows[0].longest).toBeLessThan(512 * 1_024);
});

test("an upload that breaks off leaves the import open, and the next one begins from the beginning", async () => {
  const { id } = await make.import();
  await new Promise<void>((resolve) => {
    const sending = request(`${api.url}/api/v1/imports/${id}/file/`, {
      method: "PUT",
      headers: { authorization: `Bearer ${api.key}`, "content-type": "text/csv", "content-length": 2_000_000 },
    });
    sending.on("error", () => {});
    sending.on("close", () => resolve());
    sending.write(Buffer.alloc(600_000, "x"), () => sending.destroy());
  });

  const again = await waitFor(
    async () => {
      const answer = await upload(id, "email\nann@example.com\n");
      return answer.status === 202 ? answer : undefined;
    },
    { timeoutMilliseconds: 10_000, describe: "the upload that broke off to be given up" },
  );

  expect(again.body.bytes_total).toBe(22);
  expect(await storedFile(id)).toBe("email\nann@example.com\n");
});

test("while one request sends the file no other can, and what was taken over cannot go on", async () => {
  const { id } = await make.import();
  const first = await beginUpload(api.database, id);
  if (first === undefined) throw new Error("it is open");
  expectProblem(await upload(id, "email\n"), 409, "wrong_import_status");
  await api.database.query("update contact_import set lease_until = now() - interval '1 day' where id = $1", [id]);

  expect((await upload(id, "email\nann@example.com\n")).status).toBe(202);
  expect(await appendChunk(api.database, first, 1, Buffer.from("from before"))).toBeUndefined();
  expect(await storedFile(id)).toBe("email\nann@example.com\n");
});

test("a file is refused if it is empty, too large, of another type, or sent twice", async () => {
  const { id } = await make.import();

  expectProblem(await upload(id, ""), 422, "validation_failed");
  expectProblem(await upload(id, "{}", "application/json"), 415, "unsupported_media_type");
  expectProblem(await upload(nobody, "email\n"), 404, "not_found");
  const status = await new Promise((resolve, reject) => {
    const sending = request(`${api.url}/api/v1/imports/${id}/file/`, {
      method: "PUT",
      headers: { authorization: `Bearer ${api.key}`, "content-type": "text/csv", "content-length": 100_000_001 },
    });
    sending.on("response", (answer) => resolve([answer.statusCode, answer.headers.connection]));
    sending.on("error", reject);
    sending.write("email\n");
  });
  expect(status).toEqual([413, "close"]);
  expect((await upload(id, "email\nann@example.com\n")).status).toBe(202);
  const twice = expectProblem(await upload(id, "email\n"), 409, "wrong_import_status");
  expect(twice.import_status).toBe("waiting");
});

test.each([
  [{ columns: { first_name: "Name" } }, "/columns/email"],
  [{ columns: { email: 0 } }, "/columns/email"],
  [{ columns: { email: "E", attributes: { "no name": "N" } } }, "/columns/attributes/no name"],
  [{ has_header: false }, "/columns"],
  [{ has_header: false, columns: { email: "E-Mail" } }, "/columns"],
  [{ has_header: false, columns: { email: 1, attributes: { plan: "Plan" } } }, "/columns"],
  [{ on_match: "replace" }, "/on_match"],
  [{ delimiter: ":" }, "/delimiter"],
  [{ encoding: "latin1" }, "/encoding"],
  [{ match_by: "name" }, "/match_by"],
  [{ enroll_in: nobody }, "/enroll_in"],
])("what cannot be done with a file is refused: %j", async (body, pointer) => {
  const problem = expectProblem(await api.post("/api/v1/imports/", body), 422, "validation_failed");
  expect(problem.errors[0].pointer).toBe(pointer);
});

test("an import into a sequence that takes nobody is refused before a file is sent", async () => {
  const [paused, empty] = [await make.sequence([0], { status: "paused" }), await make.sequence([])];

  expectProblem(await api.post("/api/v1/imports/", { enroll_in: paused.id }), 422, "sequence_not_active");
  expectProblem(await api.post("/api/v1/imports/", { enroll_in: empty.id }), 422, "sequence_without_steps");
});

test("imports are listed, the newest first, and by status", async () => {
  const [first, second] = [await make.import(), await make.import({ status: "cancelled" })];

  const { body } = await api.get("/api/v1/imports/?page_size=2");
  expect(body.results.map(({ id }: { id: string }) => id)).toEqual([second.id, first.id]);
  const cancelled = await api.get("/api/v1/imports/?status=cancelled&page_size=100");
  expect(cancelled.body.results.every(({ status }: { status: string }) => status === "cancelled")).toBe(true);
  expect(cancelled.body.results.map(({ id }: { id: string }) => id)).toContain(second.id);
});

test("an import that has not ended can be cancelled, with its file, and one that has can be deleted", async () => {
  const { id } = await make.import();
  await upload(id, "email\nann@example.com\n");
  expectProblem(await api.send("DELETE", `/api/v1/imports/${id}/`), 409, "wrong_import_status");

  const cancelled = await api.post(`/api/v1/imports/${id}/cancel/`, undefined);

  expect(cancelled.body).toMatchObject({ status: "cancelled", ended_at: testNow.toISOString() });
  expect(await storedFile(id)).toBe("");
  const again = expectProblem(await api.post(`/api/v1/imports/${id}/cancel/`, undefined), 409, "wrong_import_status");
  expect(again.import_status).toBe("cancelled");
  expect((await api.send("DELETE", `/api/v1/imports/${id}/`)).status).toBe(204);
  expectProblem(await api.get(`/api/v1/imports/${id}/`), 404, "not_found");
  expectProblem(await api.send("DELETE", `/api/v1/imports/${id}/`), 404, "not_found");
  expectProblem(await api.post(`/api/v1/imports/${id}/cancel/`, undefined), 404, "not_found");
});

test("failed rows are downloaded with their fields as they were and the reason, and nothing in them is a formula", async () => {
  const { id } = await make.import();
  await endImport(id, {
    columns: ["E-Mail", "Name"],
    failures: [
      [2, "invalid_email", 'email "x": is not an email address.', ["x", 'Ann "A", Lee']],
      [7, "missing_email", "The row has no email.", ["", '=HYPERLINK("http://evil.example","x")']],
      [8, "missing_email", "-", ["", " +66 81", "surplus"]],
      [9, "missing_email", "The row has no email.", ["", "two\nlines"]],
    ],
  });

  const answer = await api.get(`/api/v1/imports/${id}/failures.csv`);

  expect(answer.headers.get("content-type")).toBe("text/csv; charset=utf-8");
  expect(answer.headers.get("content-disposition")).toBe(`attachment; filename="import-${id}-failures.csv"`);
  expect(answer.body.replace(/^\uFEFF/, "").split("\r\n")).toEqual([
    "E-Mail,Name,import_row,import_code,import_reason",
    'x,"Ann ""A"", Lee",2,invalid_email,"email ""x"": is not an email address."',
    `,"'=HYPERLINK(""http://evil.example"",""x"")",7,missing_email,The row has no email.`,
    `,' +66 81,8,missing_email,'-,surplus`,
    ',"two\nlines",9,missing_email,The row has no email.',
    "",
  ]);
  expectProblem(await api.get(`/api/v1/imports/${nobody}/failures.csv`), 404, "not_found");
});

test("thousands of failed rows are written out in their order", async () => {
  const { id } = await make.import();
  await endImport(id, { columns: ["email"], failures: [] });
  await api.database.query(
    `insert into contact_import_failure
     select $1, n, 'invalid_email', 'It is none.', jsonb_build_array('row' || n) from generate_series(1, 1801) n`,
    [id],
  );

  const { body } = await api.get(`/api/v1/imports/${id}/failures.csv`);

  const numbers = body
    .trim()
    .split("\r\n")
    .slice(1)
    .map((line: string) => Number(line.split(",")[1]));
  expect(numbers).toEqual(Array.from({ length: 1_801 }, (_, index) => index + 1));
});
