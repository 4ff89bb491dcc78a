import { freshDatabase } from "@dripline/testkit/database";
import { describe, expect, test } from "vitest";
import { expectProblem, makers, nobody } from "./testing/make.ts";
import { startApi, testNow } from "./testing/start-api.ts";

const { url } = await freshDatabase();
const api = await startApi(url);
const make = makers(api);

let count = 0;
const next = () => ++count;
const mjml = (words: string) =>
  `<mjml><mj-body><mj-section><mj-column><mj-text>${words}</mj-text></mj-column></mj-section></mj-body></mjml>`;

/** What can be edited whole: where it is, one of it, two ways to write it anew, and a change that its PATCH takes. */
const editables = [
  {
    what: "contact",
    path: "/api/v1/contacts/",
    one: () => make.contact(),
    whole: () => ({ email: `whole${next()}@example.com`, first_name: "Whole" }),
    defaults: { last_name: "", company: null, timezone: null, country: null, attributes: {} },
    change: { first_name: "Changed" },
  },
  {
    what: "company",
    path: "/api/v1/companies/",
    one: () => make.company({ country: "TH" }),
    whole: () => ({ name: `Whole ${next()}` }),
    defaults: { timezone: null, country: null, attributes: {} },
    change: { country: "DE" },
  },
  {
    what: "email template",
    path: "/api/v1/email-templates/",
    one: () => make.template(),
    whole: () => ({ name: `Whole ${next()}`, subject: "Whole", mjml: mjml("Whole") }),
    defaults: { version: 2, text: "Whole\n" },
    change: { subject: "Changed" },
  },
  {
    what: "schedule",
    path: "/api/v1/schedules/",
    one: () => make.schedule({ spread_minutes: 7, closed_dates: ["2027-01-02"] }),
    whole: () => ({ name: `Whole ${next()}`, timezone: "Asia/Bangkok", windows: [] }),
    defaults: {
      closed_dates: [],
      holidays: null,
      special_hours: [],
      uses_contact_timezone: false,
      spread_minutes: 15,
      is_default: false,
    },
    change: { spread_minutes: 3 },
  },
] as const;

describe.each(editables)("a $what", ({ path, one, whole, defaults, change }) => {
  const send = (method: string, id: string, body?: object, ifMatch?: string) =>
    api.send(method, `${path}${id}/`, { ...(body && { body }), ...(ifMatch && { headers: { "if-match": ifMatch } }) });
  const read = async (id: string) => (await api.get(`${path}${id}/`)).body;
  const ways = [
    ["PUT", whole],
    ["PATCH", () => change],
    ["DELETE", () => undefined],
  ] as const;

  test("begins at revision 1, which is its ETag", async () => {
    const made = await one();

    const answer = await api.get(`${path}${made.id}/`);

    expect(answer.body.revision).toBe(1);
    expect(answer.headers.get("etag")).toBe('"1"');
  });

  test("is replaced by PUT: what is left out gets its default", async () => {
    const { id, created_at } = await one();
    const body = whole();

    const answer = await send("PUT", id, body);

    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ ...defaults, ...body, id, created_at, revision: 2 });
    expect(answer.body.updated_at).toBe(testNow.toISOString());
    expect(answer.headers.get("etag")).toBe('"2"');
    expect(await read(id)).toEqual(answer.body);
  });

  test("is changed by PATCH in what it names, and in nothing else", async () => {
    const before = await one();

    const answer = await send("PATCH", before.id, change);

    expect(answer.status).toBe(200);
    const { revision, updated_at, ...rest } = { ...before, ...change, ...("version" in before && { version: 2 }) };
    expect(answer.body).toEqual({ ...rest, revision: 2, updated_at: testNow.toISOString() });
    expect(await read(before.id)).toEqual(answer.body);
  });

  test("is deleted", async () => {
    const { id } = await one();

    const answer = await send("DELETE", id, undefined, '"1"');

    expect(answer.status).toBe(204);
    expectProblem(await api.get(`${path}${id}/`), 404, "not_found");
    expectProblem(await send("DELETE", id), 404, "not_found");
  });

  test("that does not exist is not found", async () => {
    for (const [method, body] of ways) expectProblem(await send(method, nobody, body()), 404, "not_found");
  });

  test("is not changed by a PATCH that names nothing", async () => {
    const { id } = await one();

    expectProblem(await send("PATCH", id, {}), 422, "validation_failed");
  });

  test.each(ways)("that was edited since it was read is left alone by %s", async (method, body) => {
    const { id } = await one();
    await send("PATCH", id, change);
    const before = await read(id);

    const problem = expectProblem(await send(method, id, body(), '"1"'), 412, "precondition_failed");

    expect(problem.revision).toBe(2);
    expect(await read(id)).toEqual(before);
  });

  test.each(ways)("is left alone by %s with an If-Match that is none", async (method, body) => {
    const { id } = await one();

    expectProblem(await send(method, id, body(), "1"), 400, "invalid_header");
    expect((await read(id)).revision).toBe(1);
  });

  test("takes one of two edits at once that name the same revision, and refuses the other", async () => {
    const { id } = await one();

    const answers = await Promise.all([send("PUT", id, whole(), '"1"'), send("PATCH", id, change, '"1"')]);

    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412]);
    expect((await read(id)).revision).toBe(2);
  });
});
