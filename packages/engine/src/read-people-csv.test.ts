import { expect, test } from "vitest";
import { type PeopleCsvRow, readPeopleCsv } from "./read-people-csv.ts";

const noAt = (email: string) => (email.includes("@") ? undefined : 'has no "@"');

async function rowsOf(...chunks: string[]): Promise<PeopleCsvRow[]> {
  const rows: PeopleCsvRow[] = [];
  for await (const row of readPeopleCsv(chunks, noAt)) rows.push(row);
  return rows;
}

function person(line: number, email: string, timezone: string | null = null, companyTimezone: string | null = null) {
  return { kind: "person", line, email, timezone, companyTimezone };
}

test.each([
  ["commas", "email,timezone,company_timezone\na@x.io,Asia/Bangkok,\nb@x.io,,UTC\n"],
  ["semicolons", "email;timezone;company_timezone\na@x.io;Asia/Bangkok;\nb@x.io;;UTC"],
  ["tabs", "email\ttimezone\tcompany_timezone\na@x.io\tAsia/Bangkok\t\nb@x.io\t\tUTC\n"],
  [
    "a byte order mark and the line ends of Windows",
    "\uFEFFemail,timezone,company_timezone\r\na@x.io,Asia/Bangkok,\r\nb@x.io,,UTC\r\n",
  ],
  ["names in capitals, with spaces", " Email , TimeZone ,Company Timezone\n a@x.io , Asia/Bangkok ,\nb@x.io,,UTC\n"],
])("people are read from a list with %s", async (_, text) => {
  expect(await rowsOf(text)).toEqual([person(2, "a@x.io", "Asia/Bangkok"), person(3, "b@x.io", null, "UTC")]);
});

test.each([
  ["semicolon", "sep=;\nemail;timezone\n"],
  ["character of any kind", "sep=|\r\nemail|timezone\r\n"],
  ["tab, after a byte order mark", "\uFEFFSEP=\t\nemail\ttimezone\n"],
])("Excel's first line names the delimiter, a %s, and is no header", async (_, head) => {
  const delimiter = head.charAt(head.indexOf("=") + 1);
  expect(await rowsOf(`${head}a@x.io${delimiter}Asia/Bangkok\n`)).toEqual([person(3, "a@x.io", "Asia/Bangkok")]);
});

test("something after a closing quote belongs to its cell, and what follows is read", async () => {
  const text = 'email,timezone\n"a b"@x.io,UTC\n"Ann" <b@x.io>,UTC\n"c@x.io" , "UTC" \nd@x.io,UTC\n';
  expect(await rowsOf(text)).toEqual([
    person(2, '"a b"@x.io', "UTC"), // what an address is, others say
    person(3, '"Ann" <b@x.io>', "UTC"),
    person(4, "c@x.io", "UTC"),
    person(5, "d@x.io", "UTC"),
  ]);
});

test("columns stand in any order among others, and those after the email may be left out", async () => {
  expect(await rowsOf("name,timezone,email\nAnn,UTC,a@x.io\n")).toEqual([person(2, "a@x.io", "UTC")]);
  expect(await rowsOf("email,timezone\na@x.io\n")).toEqual([person(2, "a@x.io")]);
});

test("a quoted cell may hold lines and delimiters, and lines are still counted right", async () => {
  const text = 'notes;email\n"one; two\r\nthree ""four""";a@x.io\n\nplain;b@x.io\n';
  expect(await rowsOf(text)).toEqual([person(2, "a@x.io"), person(5, "b@x.io")]);
});

test("it does not matter where the text is cut into pieces", async () => {
  const text = '\uFEFFemail;timezone\r\n"a@x.io";"Europe/Berlin"\r\nb@x.io;\r\n';
  expect(await rowsOf(...text)).toEqual(await rowsOf(text));
});

test("a row that cannot be used is told with its line, and the others are read", async () => {
  const text = 'email,timezone\nnobody\n,UTC\na@x.io,Mars/Base\nb@x.io,UTC,extra\nb"b"@x.io,UTC\nc@x.io,UTC\n';
  expect(await rowsOf(text)).toMatchObject([
    { kind: "bad_row", line: 2, message: '"nobody" has no "@"' },
    { kind: "bad_row", line: 3, message: "has no email" },
    { kind: "bad_row", line: 4, message: expect.stringContaining('"Mars/Base" is not an IANA time zone') },
    { kind: "bad_row", line: 5, message: "has 3 fields, but the header names 2" },
    { kind: "person", line: 6 },
    { kind: "person", line: 7, email: "c@x.io" },
  ]);
});

test("a row that is longer than any can be is told as that, not as a quote", async () => {
  expect(await rowsOf(`email,first_name\na@x.io,${"x".repeat(150_000)}\nb@x.io,Ben\n`)).toEqual([
    { kind: "bad_row", line: 2, message: expect.stringMatching(/^is longer than 100,000 bytes/) },
  ]);
});

test.each([
  ["a short text", 20],
  ["a text longer than any row", 20_000],
])("a quote that is never closed is told with its line, in %s", async (_, length) => {
  const rest = Array.from({ length }, (__, index) => `p${index}@x.io`).join("\n");
  expect(await rowsOf(`email\na@x.io\n"b@x.io\n${rest}`)).toEqual([
    person(2, "a@x.io"),
    { kind: "bad_row", line: 3, message: expect.stringContaining("never closed") },
  ]);
});

test.each([
  ["nothing", "", "it is empty"],
  ["blank lines", "\n\n", "it is empty"],
  ["no column for the email", "name,mail\nAnn,a@x.io\n", 'no column "email", only: name, mail'],
])("a text with %s says so", async (_, text, message) => {
  expect(await rowsOf(text)).toEqual([{ kind: "unreadable", message: expect.stringContaining(message) }]);
});
