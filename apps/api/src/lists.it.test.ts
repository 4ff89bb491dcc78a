import { freshDatabase } from "@dripline/testkit/database";
import { expect, test } from "vitest";
import { expectProblem, makers } from "./testing/make.ts";
import { startApi, type TestApi } from "./testing/start-api.ts";

const { url } = await freshDatabase();
const api = await startApi(url);
const make = makers(api);

interface Item {
  id: string;
  [field: string]: unknown;
}

/** Follows `next` (or `previous`) to the end; `between` runs after each page. */
async function walk(from: TestApi, path: string, direction: "next" | "previous" = "next", between = async () => {}) {
  const pages: Item[][] = [];
  let at: string | null = path;
  while (at !== null) {
    const { status, body } = await from.get(at);
    expect(status).toBe(200);
    pages.push(body.results);
    await between();
    at = body[direction]?.replace("http://127.0.0.1:4600", "") ?? null;
  }
  return pages;
}

const ids = (pages: Item[][]) => pages.flat().map(({ id }) => id);

test("a list comes page by page, each row once, forwards and back", async () => {
  const made: string[] = [];
  for (let n = 0; n < 7; n += 1) made.push((await make.company({ name: `Walk ${n}` })).id);

  const forwards = await walk(api, "/api/v1/companies/?search=walk&ordering=created_at&page_size=3");
  expect(forwards.map((page) => page.length)).toEqual([3, 3, 1]);
  expect(ids(forwards)).toEqual(made);

  const newestFirst = await walk(api, "/api/v1/companies/?search=walk&page_size=2");
  expect(ids(newestFirst)).toEqual(made.toReversed());

  const second = (await api.get("/api/v1/companies/?search=walk&ordering=created_at&page_size=3")).body.next;
  const third = (await api.get(second.replace("http://127.0.0.1:4600", ""))).body.next;
  const back = await walk(api, third.replace("http://127.0.0.1:4600", ""), "previous");
  expect(back).toEqual(forwards.toReversed());
});

test("rows that arrive meanwhile neither double nor hide others", async () => {
  const made: string[] = [];
  for (let n = 0; n < 9; n += 1) made.push((await make.contact({ last_name: "Arrival" })).id);
  let arrived = 0;
  const arrive = async () => {
    if (arrived++ < 5) await make.contact({ last_name: "Arrival" });
  };

  const seen = ids(await walk(api, "/api/v1/contacts/?search=arrival&page_size=2", "next", arrive));

  expect(seen).toEqual(made.toReversed());
});

test("enrollments are searched page by page: those of a person or a company with the words, each once and no other", async () => {
  const [sequence, company] = [await make.sequence(), await make.company({ name: "Nearby Ltd" })];
  const enroll = async (contact: object) => {
    const { id } = await make.contact(contact);
    return (await make.enroll({ sequence_id: sequence.id, contact_id: id })).id as string;
  };
  const made: string[] = [];
  for (let n = 0; n < 3; n += 1) {
    made.push(await enroll({ last_name: "Nearby" }));
    await enroll({ last_name: "Elsewhere" });
    made.push(await enroll({ company: company.id }));
  }
  const list = "/api/v1/sequence-enrollments/?search=nearby";

  for (const size of [1, 2, 6]) {
    expect(ids(await walk(api, `${list}&ordering=enrolled_at&page_size=${size}`))).toEqual(made);
    expect(ids(await walk(api, `${list}&page_size=${size}`))).toEqual(made.toReversed());
  }
  expect(ids(await walk(api, `${list}&status=paused&page_size=1`))).toEqual([]);
});

test.each(["email", "created_at"])(
  "contacts are searched page by page in %s order, each once and no other",
  async (ordering) => {
    const [company, word] = [await make.company({ name: "Tempo Ltd" }), ordering === "email" ? "allegro" : "andante"];
    const made: string[] = [];
    for (let n = 0; n < 4; n += 1) {
      made.push((await make.contact({ email: `${word}${n}@example.com`, company: company.id })).id);
      await make.contact({ last_name: "Elsewhere" });
    }
    const list = `/api/v1/contacts/?search=${word}`;

    for (const size of [1, 2, 4]) {
      expect(ids(await walk(api, `${list}&ordering=${ordering}&page_size=${size}`))).toEqual(made);
      expect(ids(await walk(api, `${list}&ordering=-${ordering}&page_size=${size}`))).toEqual(made.toReversed());
    }
    expect(ids(await walk(api, `${list}&opted_out=true&page_size=1`))).toEqual([]);
  },
);

test.each(["name", "-name"])("rows with the same value come once each in %s order", async (ordering) => {
  const word = ordering === "name" ? "Same" : "Equal";
  for (let n = 0; n < 5; n += 1) await make.sequence([], { name: word });

  const seen = ids(await walk(api, `/api/v1/email-sequences/?search=${word}&ordering=${ordering}&page_size=2`));

  expect(seen).toHaveLength(5);
  expect(new Set(seen).size).toBe(5);
});

test("enrollments come in the order of their time, also when many have the same", async () => {
  const sequence = await make.sequence();
  for (let n = 0; n < 5; n += 1) {
    const { id } = await make.enroll({ sequence_id: sequence.id, contact_id: (await make.contact()).id });
    await api.database.query("update sequence_enrollment set enrolled_at = $2 where id = $1", [
      id,
      new Date(Date.UTC(2026, 0, 1 + (n % 2), 0, 0, 0, 123)),
    ]);
  }

  for (const ordering of ["enrolled_at", "-enrolled_at"]) {
    const path = `/api/v1/sequence-enrollments/?sequence=${sequence.id}&ordering=${ordering}&page_size=2`;
    const rows = (await walk(api, path)).flat();
    const times = rows.map((row) => String(row.enrolled_at));
    expect(new Set(rows.map(({ id }) => id)).size).toBe(5);
    expect(times).toEqual(ordering === "enrolled_at" ? times.toSorted() : times.toSorted().reverse());
  }
});

test("include_count counts what matches on all pages; without it nothing is counted", async () => {
  for (let n = 0; n < 3; n += 1) await make.company({ name: `Counted ${n}` });

  expect((await api.get("/api/v1/companies/?search=counted&page_size=1&include_count=true")).body.count).toBe(3);
  expect((await api.get("/api/v1/companies/?search=counted")).body).not.toHaveProperty("count");
});

test("a search takes every character as itself", async () => {
  const { id } = await make.company({ name: "100%_real\\" });
  await make.company({ name: "100 unreal" });

  const found = await api.get(`/api/v1/companies/?search=${encodeURIComponent("0%_R")}`);
  const backslash = await api.get(`/api/v1/companies/?search=${encodeURIComponent("real\\")}`);

  expect(found.body.results.map((row: Item) => row.id)).toEqual([id]);
  expect(backslash.body.results.map((row: Item) => row.id)).toEqual([id]);
});

test("each filter narrows its list", async () => {
  const [sequence, other] = [await make.sequence(), await make.sequence([1], { status: "archived" })];
  const company = await make.company({ name: "Filter Inc" });
  const contact = await make.contact({ first_name: "Zoe", last_name: "Filter", company: company.id });
  const enrollment = await make.enroll({ sequence_id: sequence.id, contact_id: contact.id });
  await make.enroll({ sequence_id: sequence.id, contact_id: (await make.contact()).id });
  const [execution] = enrollment.step_executions;
  const found = async (path: string) => (await api.get(path)).body.results.map(({ id }: Item) => id);

  expect(await found("/api/v1/email-sequences/?status=archived")).toEqual([other.id]);
  expect(await found(`/api/v1/sequence-steps/?sequence=${sequence.id}&ordering=-step_number`)).toEqual(
    sequence.steps.map(({ id }: Item) => id).toReversed(),
  );
  expect(await found(`/api/v1/sequence-steps/?sequence=${sequence.id}&is_active=false`)).toEqual([]);
  expect(await found(`/api/v1/contacts/?company=${company.id}`)).toEqual([contact.id]);
  expect(
    await found(`/api/v1/sequence-enrollments/?contact=${contact.id}&sequence=${sequence.id}&status=active`),
  ).toEqual([enrollment.id]);
  expect(await found(`/api/v1/sequence-enrollments/?contact=${contact.id}&status=paused`)).toEqual([]);
  for (const words of ["zoe filter", contact.email, "filter inc"]) {
    expect(await found(`/api/v1/sequence-enrollments/?search=${encodeURIComponent(words)}`)).toEqual([enrollment.id]);
  }
  expect(
    await found(`/api/v1/sequence-executions/?enrollment=${enrollment.id}&status=scheduled&step=${execution.step}`),
  ).toEqual([execution.id]);
  expect(await found(`/api/v1/sequence-executions/?enrollment=${enrollment.id}&status=sent`)).toEqual([]);
});

test.each([
  ["an unknown parameter", "nonsense=1", "/nonsense"],
  ["a page of none", "page_size=0", "/page_size"],
  ["a page too large", "page_size=101", "/page_size"],
  ["a page size that is no number", "page_size=ten", "/page_size"],
  ["an ordering that is not offered", "ordering=notes", "/ordering"],
  ["a status that does not exist", "status=done", "/status"],
  ["an id that is none", "sequence=1", "/sequence"],
  ["a parameter given twice", "status=active&status=paused", "/status"],
  ["a cursor that is none", "cursor=garbage", "/cursor"],
  ["a NUL", "search=%00", "/search"],
  ["a year that is none", "enrolled_at__gte=0000-06-01T00:00:00Z", "/enrolled_at__gte"],
  ["a moment before the first year in UTC", "enrolled_at__gte=0001-01-01T00:00:00%2B14:00", "/enrolled_at__gte"],
  ["a moment after the last year in UTC", "enrolled_at__lt=9999-12-31T23:59:59-14:00", "/enrolled_at__lt"],
])("%s is refused, with its name", async (_, query, pointer) => {
  const { errors } = expectProblem(await api.get(`/api/v1/sequence-enrollments/?${query}`), 400, "invalid_query");

  expect(errors.map((place: { pointer: string }) => place.pointer)).toEqual([pointer]);
});

test("an unknown parameter's answer lists the allowed ones", async () => {
  const { detail } = expectProblem(await api.get("/api/v1/sequence-steps/?seqence=1"), 400, "invalid_query");

  expect(detail).toContain("sequence, version, is_active, search, ordering, page_size, include_count, cursor");
});

test.each([
  ["of another ordering", { o: "name", s: "after", v: "x", id: "019a0000-0000-7000-8000-000000000001" }],
  [
    "with a value that is no time",
    { o: "-enrolled_at", s: "after", v: "soon", id: "019a0000-0000-7000-8000-000000000001" },
  ],
  [
    "with a value that cannot be stored",
    { o: "-enrolled_at", s: "after", v: "\0", id: "019a0000-0000-7000-8000-000000000001" },
  ],
])("a cursor %s is refused, not an internal error", async (_, cursor) => {
  const text = Buffer.from(JSON.stringify(cursor)).toString("base64url");

  const answer = await api.get(`/api/v1/sequence-enrollments/?cursor=${text}`);

  expect(expectProblem(answer, 400, "invalid_query").errors).toMatchObject([{ pointer: "/cursor" }]);
});
