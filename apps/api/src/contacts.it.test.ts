import { freshDatabase } from "@dripline/testkit/database";
import { describe, expect, test } from "vitest";
import { expectProblem, makers, nobody } from "./testing/make.ts";
import { startApi, testNow } from "./testing/start-api.ts";

const { url } = await freshDatabase();
const api = await startApi(url);
const make = makers(api);

const patch = (id: string, body: object) => api.send("PATCH", `/api/v1/contacts/${id}/`, { body });
const put = (id: string, body: object) => api.send("PUT", `/api/v1/contacts/${id}/`, { body });
const remove = (id: string) => api.send("DELETE", `/api/v1/contacts/${id}/`);
const read = async (id: string) => (await api.get(`/api/v1/contacts/${id}/`)).body;
const places = (body: { errors: { pointer: string }[] }) => body.errors.map(({ pointer }) => pointer);

describe("a contact's address", () => {
  test("can be changed, also in its letter case alone", async () => {
    const { id, email } = await make.contact();

    expect((await patch(id, { email: email.toUpperCase() })).body.email).toBe(email.toUpperCase());
    expect((await patch(id, { email: "moved@example.com" })).body.email).toBe("moved@example.com");
    expect((await api.get(`/api/v1/contacts/?email=${email}`)).body.results).toEqual([]);
  });

  test.each([
    ["PUT", put],
    ["PATCH", patch],
  ])("is not one that another contact has, in whatever letter case: %s", async (_, send) => {
    const [mine, other] = [await make.contact({ first_name: "Ann" }), await make.contact()];

    const problem = expectProblem(await send(mine.id, { email: other.email.toUpperCase() }), 409, "email_taken");

    expect(problem.existing_id).toBe(other.id);
    expect(places(problem)).toEqual(["/email"]);
    expect(await read(mine.id)).toEqual(mine);
  });

  test("goes to one of two contacts that ask for it at once", async () => {
    const made = [await make.contact(), await make.contact()];

    const answers = await Promise.all(made.map(({ id }) => patch(id, { email: "wanted@example.com" })));

    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  });
});

test.each([
  ["PUT", (id: string, body: object) => put(id, { email: "sound@example.com", ...body })],
  ["PATCH", patch],
])("a company or a zone that does not exist is refused by %s, with its place", async (_, send) => {
  const before = await make.contact();

  expect(places(expectProblem(await send(before.id, { company: nobody }), 422, "validation_failed"))).toEqual([
    "/company",
  ]);
  expect(places(expectProblem(await send(before.id, { timezone: "+07:00" }), 422, "validation_failed"))).toEqual([
    "/timezone",
  ]);
  expect(await read(before.id)).toEqual(before);
});

describe("a contact who opts out through the API", () => {
  async function enrolled() {
    const [sequence, other, contact] = [await make.sequence(), await make.sequence(), await make.contact()];
    const enrollments = [
      await make.enroll({ sequence_id: sequence.id, contact_id: contact.id }),
      await make.enroll({ sequence_id: other.id, contact_id: contact.id }),
    ];
    await api.post(`/api/v1/sequence-enrollments/${enrollments[1].id}/pause/`, {});
    const now = async () =>
      Promise.all(enrollments.map(async ({ id }) => (await api.get(`/api/v1/sequence-enrollments/${id}/`)).body));
    return { contact, sequence, now };
  }

  test("leaves every sequence at once, as by the unsubscribe link", async () => {
    const { contact, now } = await enrolled();

    const { status, body } = await patch(contact.id, { opted_out: true });

    expect(status).toBe(200);
    expect(body).toMatchObject({ opted_out_at: testNow.toISOString(), revision: 2 });
    for (const enrollment of await now()) {
      expect(enrollment).toMatchObject({ status: "unsubscribed", end_reason: "contact_opted_out" });
      expect(enrollment.notes).toContain("The contact opted out (API).");
      expect(enrollment.step_executions).toMatchObject([{ status: "skipped" }]);
    }
  });

  test("cannot be enrolled, until they ask for email again; what ended stays ended", async () => {
    const { contact, now } = await enrolled();
    const another = await make.sequence();
    const enroll = () =>
      api.post("/api/v1/sequence-enrollments/enroll/", { sequence_id: another.id, contact_id: contact.id });
    await patch(contact.id, { opted_out: true });
    expectProblem(await enroll(), 422, "contact_opted_out");

    const { body } = await patch(contact.id, { opted_out: false });

    expect(body).toMatchObject({ opted_out_at: null, revision: 3 });
    expect((await now()).map(({ status }) => status)).toEqual(["unsubscribed", "unsubscribed"]);
    expect((await enroll()).status).toBe(201);
  });

  test("is changed once, however often it is said", async () => {
    const { contact } = await enrolled();
    const { body: first } = await patch(contact.id, { opted_out: true });

    expect((await patch(contact.id, { opted_out: true })).body).toEqual(first);
  });

  test("stays opted out when the rest is replaced", async () => {
    const contact = await make.contact();
    await patch(contact.id, { opted_out: true });

    expect((await put(contact.id, { email: contact.email })).body.opted_out_at).toBe(testNow.toISOString());
    expectProblem(await put(contact.id, { email: contact.email, opted_out: false }), 422, "validation_failed");
  });

  test("is on record with who said it", async () => {
    const { contact, now } = await enrolled();
    await patch(contact.id, { opted_out: true });
    const [enrollment] = await now();

    const { rows } = await api.database.query(
      "select actor from execution_event where execution_id = $1 and kind = $2",
      [enrollment.step_executions[0].id, "skipped"],
    );
    expect(rows).toEqual([{ actor: expect.stringMatching(/^api_key:/) }]);
  });
});

describe("a contact who is deleted", () => {
  test("was never enrolled: the record of what somebody got stays, with what to do instead", async () => {
    const [sequence, contact] = [await make.sequence(), await make.contact()];
    const { id } = await make.enroll({ sequence_id: sequence.id, contact_id: contact.id });
    await api.post(`/api/v1/sequence-enrollments/${id}/unenroll/`, {});

    const problem = expectProblem(await remove(contact.id), 409, "in_use");

    expect(problem.used_by).toEqual(["sequence-enrollments"]);
    expect(problem.detail).toContain("opted_out");
    expect((await read(contact.id)).id).toBe(contact.id);
  });

  test("and had opted out is not forgotten: their address is suppressed", async () => {
    const [quiet, other] = [await make.contact(), await make.contact()];
    await patch(quiet.id, { opted_out: true });

    expect((await remove(quiet.id)).status).toBe(204);
    expect((await remove(other.id)).status).toBe(204);

    const [sequence, again] = [await make.sequence(), await make.contact({ email: quiet.email.toUpperCase() })];
    const enroll = { sequence_id: sequence.id, contact_id: again.id };
    expectProblem(await api.post("/api/v1/sequence-enrollments/enroll/", enroll), 422, "contact_suppressed");
    const { rows } = await api.database.query("select 1 from suppression where email = $1", [other.email]);
    expect(rows).toEqual([]);
  });

  test("is in the audit log by their id", async () => {
    const { id } = await make.contact();
    await remove(id);

    const { rows } = await api.database.query("select action from audit_log where object_id = $1 order by id", [id]);
    expect(rows).toEqual([{ action: "createContact" }, { action: "deleteContact" }]);
  });
});

describe("contacts are found", () => {
  const found = async (query: string) =>
    (await api.get(`/api/v1/contacts/?${query}`)).body.results.map(({ id }: { id: string }) => id);

  test("by whether they want email", async () => {
    const [wants, wantsNone] = [await make.contact({ last_name: "Wish" }), await make.contact({ last_name: "Wish" })];
    await patch(wantsNone.id, { opted_out: true });

    expect(await found("search=wish&opted_out=true")).toEqual([wantsNone.id]);
    expect(await found("search=wish&opted_out=false")).toEqual([wants.id]);
    expectProblem(await api.get("/api/v1/contacts/?opted_out=yes"), 400, "invalid_query");
  });

  test("by their company", async () => {
    const company = await make.company();
    const contact = await make.contact({ company: company.id });
    await make.contact();

    expect(await found(`company=${company.id}`)).toEqual([contact.id]);
  });

  test("by when they were created, both ends as they are meant", async () => {
    const made = [await make.contact({ last_name: "Range" }), await make.contact({ last_name: "Range" })];
    const times = ["2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z"];
    for (const [index, { id }] of made.entries()) {
      await api.database.query("update contact set created_at = $2 where id = $1", [id, times[index]]);
    }
    const [first, second] = made.map(({ id }) => id);
    const within = (query: string) => found(`search=range&ordering=created_at&${query}`);

    expect(await within(`created_at__gte=${times[0]}&created_at__lt=${times[1]}`)).toEqual([first]);
    expect(await within(`created_at__gt=${times[0]}`)).toEqual([second]);
    expect(await within(`created_at__lte=${times[1]}`)).toEqual([first, second]);
    const page = (await api.get(`/api/v1/contacts/?search=range&page_size=1&created_at__gte=${times[0]}`)).body;
    expect((await api.get(page.next.replace("http://127.0.0.1:4600", ""))).body.results).toHaveLength(1);
    expectProblem(await api.get("/api/v1/contacts/?created_at__gte=yesterday"), 400, "invalid_query");
  });
});
