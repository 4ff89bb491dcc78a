import { freshDatabase } from "@dripline/testkit/database";
import { describe, expect, test } from "vitest";
import { expectProblem, makers, nobody } from "./testing/make.ts";
import { startApi } from "./testing/start-api.ts";

const { url } = await freshDatabase();
const api = await startApi(url);
const make = makers(api);

const mjml = (words: string) =>
  `<mjml><mj-body><mj-section><mj-column><mj-text>${words}</mj-text></mj-column></mj-section></mj-body></mjml>`;
const at = (id: string) => `/api/v1/email-templates/${id}/`;
const send = (method: string, id: string, body: object) => api.send(method, at(id), { body });
const versions = async (id: string) => (await api.get(`${at(id)}versions/?ordering=version_number`)).body.results;
const numbers = async (id: string) =>
  (await versions(id)).map(({ version_number }: { version_number: number }) => version_number);

describe("an edit of a template", () => {
  test.each([
    ["the subject", { subject: "Other" }],
    ["the MJML", { mjml: mjml("Other") }],
    ["the text", { text: "Other" }],
  ])("in %s makes a new version and leaves the old one as it was", async (_, change) => {
    const template = await make.template();
    const before = (await api.get(`${at(template.id)}versions/1/`)).body;

    const { body } = await send("PATCH", template.id, change);

    expect(body).toMatchObject({ ...change, version: 2, revision: 2 });
    expect(await versions(template.id)).toMatchObject([
      { version_number: 1, is_current: false },
      { version_number: 2, is_current: true },
    ]);
    expect((await api.get(`${at(template.id)}versions/1/`)).body).toEqual({ ...before, is_current: false });
  });

  test.each(["PUT", "PATCH"])("in the name alone makes none: %s", async (method) => {
    const { id, subject, mjml: source } = await make.template();
    const whole = { subject, mjml: source };

    const { body } = await send(method, id, { name: `Renamed by ${method}`, ...(method === "PUT" && whole) });

    expect(body).toMatchObject({ name: `Renamed by ${method}`, version: 1, revision: 2 });
    expect(await numbers(id)).toEqual([1]);
  });

  test("in the MJML makes a text anew that was made from it", async () => {
    const { id } = await make.template();

    expect((await send("PATCH", id, { mjml: mjml("Other words") })).body.text).toBe("Other words\n");
  });

  test("in the MJML leaves a text that was written, until it is given up", async () => {
    const { id } = await make.template({ text: "Written" });

    expect((await send("PATCH", id, { mjml: mjml("Other words") })).body.text).toBe("Written");
    expect((await send("PATCH", id, { text: null })).body.text).toBe("Other words\n");
  });

  test.each(["PUT", "PATCH"])("that does not compile writes nothing, and says where: %s", async (method) => {
    const before = await make.template();
    const body = { name: "Other", subject: "s", mjml: mjml("Hello\n{% if %}") };

    const problem = expectProblem(await send(method, before.id, body), 422, "template_invalid");

    expect(problem.errors[0]).toMatchObject({ pointer: "/mjml", line: 2 });
    expect((await api.get(at(before.id))).body).toEqual(before);
  });

  test.each(["PUT", "PATCH"])("to another one's name writes nothing: %s", async (method) => {
    const [before, other] = [await make.template(), await make.template()];
    const body = { name: other.name.toUpperCase(), subject: "Other", mjml: mjml("Other") };

    expect(expectProblem(await send(method, before.id, body), 409, "name_taken").existing_id).toBe(other.id);
    expect((await api.get(at(before.id))).body).toEqual(before);
    expect(await numbers(before.id)).toEqual([1]);
  });

  test("is taken by the emails that are composed after it", async () => {
    const { id } = await make.template({ subject: "Before" });
    const sequence = await make.sequence([0]);
    const step = sequence.steps[0].id;
    await api.send("PATCH", `/api/v1/sequence-steps/${step}/`, { body: { email_template: id } });
    await send("PATCH", id, { subject: "After" });

    const preview = { contact: { email: "ann@example.com", first_name: "Ann" } };
    const { body } = await api.post(`/api/v1/email-sequences/${sequence.id}/preview/`, preview);
    expect(body.results[0].subject).toBe("After");
  });
});

describe("the versions of a template", () => {
  test("are listed page by page, the newest first, without bodies", async () => {
    const { id } = await make.template();
    for (const subject of ["Two", "Three"]) await send("PATCH", id, { subject });

    const first = (await api.get(`${at(id)}versions/?page_size=2&include_count=true`)).body;

    expect(first).toMatchObject({ count: 3, results: [{ subject: "Three" }, { subject: "Two" }] });
    expect(first.results[0]).not.toHaveProperty("mjml");
    const second = (await api.get(first.next.replace("http://127.0.0.1:4600", ""))).body;
    expect(second).toMatchObject({ results: [{ version_number: 1 }], next: null });
  });

  test("are not found of what does not exist", async () => {
    const { id } = await make.template();

    expectProblem(await api.get(`${at(nobody)}versions/`), 404, "not_found");
    for (const number of ["2", "0", "one", "1.5", "99999999999"]) {
      expectProblem(await api.get(`${at(id)}versions/${number}/`), 404, "not_found");
      expectProblem(await api.post(`${at(id)}versions/${number}/restore/`, {}), 404, "not_found");
    }
    expectProblem(await api.get(`${at(nobody)}versions/1/`), 404, "not_found");
    expectProblem(await api.post(`${at(nobody)}versions/1/restore/`, {}), 404, "not_found");
  });

  test("an old one that is restored becomes the newest, and nothing is lost", async () => {
    const before = await make.template({ subject: "First", text: "Written" });
    await send("PATCH", before.id, { subject: "Second", mjml: mjml("Second"), text: null });

    const { status, body } = await api.post(`${at(before.id)}versions/1/restore/`, {});

    expect(status).toBe(200);
    const { subject, mjml: source, html, text, variables } = before;
    expect(body).toMatchObject({ subject, mjml: source, html, text, variables, version: 3, revision: 3 });
    expect(await numbers(before.id)).toEqual([1, 2, 3]);
  });

  test("the current one that is restored changes nothing", async () => {
    const before = await make.template();

    expect((await api.post(`${at(before.id)}versions/1/restore/`, {})).body).toEqual(before);
  });

  test("an old one is not restored over an edit that the caller has not seen", async () => {
    const { id } = await make.template();
    await send("PATCH", id, { subject: "Second" });

    const answer = await api.post(`${at(id)}versions/1/restore/`, {}, { "if-match": '"1"' });

    expect(expectProblem(answer, 412, "precondition_failed").revision).toBe(2);
    expect(await numbers(id)).toEqual([1, 2]);
    expectProblem(await api.post(`${at(id)}versions/1/restore/`, {}, { "if-match": "1" }), 400, "invalid_header");
  });
});

describe("a template that is deleted", () => {
  test("takes its versions with it", async () => {
    const { id } = await make.template();
    await send("PATCH", id, { subject: "Second" });

    expect((await api.send("DELETE", at(id))).status).toBe(204);

    const { rows } = await api.database.query("select 1 from email_template_version where template_id = $1", [id]);
    expect(rows).toEqual([]);
  });

  test("has no step, not in an old version either: otherwise it stays, and the answer names the sequences", async () => {
    const sequence = await make.draft([0, 3]);
    const template = sequence.steps[0].email_template;
    const other = await make.template();
    for (const step of sequence.steps) {
      await api.send("PATCH", `/api/v1/sequence-steps/${step.id}/`, { body: { email_template: other.id } });
    }
    await api.post(`/api/v1/email-sequences/${sequence.id}/draft/publish/`, { in_flight: "follow" });

    const problem = expectProblem(await api.send("DELETE", at(template)), 409, "in_use");

    expect(problem).toMatchObject({
      used_by: ["sequence-steps"],
      sequences: [{ id: sequence.id, name: sequence.name }],
    });
    expect(problem.detail).toContain(sequence.name);
    expect((await api.get(at(template))).status).toBe(200);
  });

  test("cannot go while a step that is to have it is being written", async () => {
    const [template, sequence] = [await make.template(), await make.sequence([0])];
    const step = { sequence: sequence.id, step_number: 2, name: "S", email_template: template.id, delay_days: 1 };

    const [added, deleted] = await Promise.all([
      api.post("/api/v1/sequence-steps/", step),
      api.send("DELETE", at(template.id)),
    ]);

    expect([
      [201, 409],
      [422, 204],
    ]).toContainEqual([added.status, deleted.status]);
  });
});
