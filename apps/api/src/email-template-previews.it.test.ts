import { freshDatabase } from "@dripline/testkit/database";
import { describe, expect, test } from "vitest";
import { expectProblem, makers, nobody } from "./testing/make.ts";
import { startApi } from "./testing/start-api.ts";

const { url } = await freshDatabase();
const api = await startApi(url);
const make = makers(api);

const mjml =
  "<mjml><mj-body><mj-section><mj-column><mj-text>Hello {{ contact.first_name }} of {{ company.name }}, {{ contact.attributes.plan }}, {{ sequence.name }} {{ unsubscribe_url }}</mj-text></mj-column></mj-section></mj-body></mjml>";
const template = () => make.template({ subject: "Hi {{ contact.first_name }}", mjml });
const preview = (id: string, body: object) => api.post(`/api/v1/email-templates/${id}/preview/`, body);
const places = (body: { errors: { pointer: string }[] }) => body.errors.map(({ pointer }) => pointer);

async function ann() {
  const company = await make.company({ name: "Acme & Sons" });
  return make.contact({ first_name: "Ann", company: company.id, attributes: { plan: "pro" } });
}

describe("a preview of a template", () => {
  test("shows the email of a contact in a sequence, and with which values", async () => {
    const [{ id }, contact, sequence] = [await template(), await ann(), await make.sequence()];

    const { status, body } = await preview(id, { contact_id: contact.id, sequence_id: sequence.id });

    expect(status).toBe(200);
    expect(body).toMatchObject({ version_number: 1, subject: "Hi Ann", problem: null });
    expect(body.html).toContain("Hello Ann of Acme &amp; Sons, pro");
    expect(body.text).toContain(`Hello Ann of Acme & Sons, pro, ${sequence.name}`);
    expect(body.variables).toEqual({
      "company.name": "Acme & Sons",
      "contact.attributes.plan": "pro",
      "contact.first_name": "Ann",
      "sequence.name": sequence.name,
      unsubscribe_url: expect.stringContaining("/u/this-is-a-preview"),
    });
    expect((await api.send("POST", "/u/this-is-a-preview", { key: null })).status).toBe(404);
  });

  test("stands in for the sequence's name where none is given, as every email has one", async () => {
    const [{ id }, contact] = [await template(), await ann()];

    expect((await preview(id, { contact_id: contact.id })).body.text).toContain("[sequence name]");
  });

  test("reports a missing variable as the send would, and shows no email with a hole", async () => {
    const { id } = await template();

    const { body } = await preview(id, { contact: { email: "ann@example.com", first_name: "Ann" } });

    expect(body).toMatchObject({ subject: null, html: null, text: null });
    expect(body.problem).toMatchObject({ code: "missing_variable", part: "html", variable: "company.name" });
    expect(body.variables).toMatchObject({ "contact.first_name": "Ann", "company.name": null });
  });

  test("shows an old version when it is asked for", async () => {
    const { id } = await template();
    await api.send("PATCH", `/api/v1/email-templates/${id}/`, { body: { subject: "New" } });
    const contact = await ann();

    const old = (await preview(id, { contact_id: contact.id, version_number: 1 })).body;
    expect(old).toMatchObject({ version_number: 1, subject: "Hi Ann" });
    expect((await preview(id, { contact_id: contact.id })).body).toMatchObject({ version_number: 2, subject: "New" });
  });

  test.each([
    ["a contact that does not exist", { contact_id: nobody }, "/contact_id"],
    ["a sequence that does not exist", { contact: { email: "a@example.com" }, sequence_id: nobody }, "/sequence_id"],
    ["a version that does not exist", { contact: { email: "a@example.com" }, version_number: 7 }, "/version_number"],
    ["nobody", {}, "/contact_id"],
  ])("of %s is refused, with its place", async (_, body, pointer) => {
    const { id } = await template();

    expect(places(expectProblem(await preview(id, body), 422, "validation_failed"))).toEqual([pointer]);
  });

  test("of a template that does not exist is not found", async () => {
    const body = { contact: { email: "ann@example.com" } };

    expectProblem(await preview(nobody, body), 404, "not_found");
    expectProblem(await preview(nobody, { ...body, version_number: 1 }), 404, "not_found");
  });
});
