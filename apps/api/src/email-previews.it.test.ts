import { loadFacts } from "@dripline/db/load-facts";
import { loadTemplateContent } from "@dripline/db/load-template-content";
import { emailVariables } from "@dripline/engine/email-variables";
import { renderEmail } from "@dripline/engine/render-email";
import { createRenderer } from "@dripline/mail/render";
import { freshDatabase } from "@dripline/testkit/database";
import { expect, test } from "vitest";
import { expectProblem, makers, nobody } from "./testing/make.ts";
import { startApi, testNow } from "./testing/start-api.ts";

const { url } = await freshDatabase();
const api = await startApi(url);
const make = makers(api);

const preview = (sequence: { id: string }, body: object) =>
  api.post(`/api/v1/email-sequences/${sequence.id}/preview/`, body);

async function previewed(sequence: { id: string }, body: object) {
  const answer = await preview(sequence, body);
  expect(answer.body).not.toHaveProperty("code");
  expect(answer.status).toBe(200);
  return answer.body.results;
}

/** A sequence with a step for each text, in MJML and with Liquid in subject and body. */
async function sequenceOf(...texts: string[]) {
  const templates = await Promise.all(
    texts.map((text) =>
      make.template({
        subject: `Re: ${text}`,
        mjml: `<mjml><mj-body><mj-section><mj-column><mj-text>${text}</mj-text></mj-column></mj-section></mj-body></mjml>`,
      }),
    ),
  );
  const steps = templates.map(({ id }, index) => ({
    step_number: index + 1,
    name: `Step ${index + 1}`,
    email_template: id,
    delay_days: index,
  }));
  return make.sequence([], { steps });
}

test("a missing variable is reported for its step, as the worker would hold it, while the others render", async () => {
  const sequence = await sequenceOf(
    'Hello {{ contact.first_name | default: "there" }}',
    "Your plan: {{ contact.attributes.plan }}",
    "Bye",
  );
  const contact = await make.contact({ email: "plain@example.com" });

  const results = await previewed(sequence, { contact_id: contact.id });

  expect(results).toMatchObject([
    { step_number: 1, step_name: "Step 1", is_active: true, subject: "Re: Hello there", problem: null },
    {
      step_number: 2,
      subject: null,
      html: null,
      text: null,
      problem: {
        code: "missing_variable",
        message: "there is no value for contact.attributes.plan",
        part: "subject",
        variable: "contact.attributes.plan",
      },
    },
    { step_number: 3, subject: "Re: Bye", text: expect.stringContaining("Bye"), problem: null },
  ]);
  expect(results[0].html).toMatch(/<!doctype html>[\s\S]*Hello there/i);
});

test("the preview of a contact is what the worker renders for their execution, but for the unsubscribe link", async () => {
  const sequence = await sequenceOf(
    '{{ contact.name }}, {{ contact.country | default: "-" }} & {{ company.attributes.tier }} of {{ company.name }} in {{ sequence.name }} {{ "now" | date: "%Y" }}: {{ unsubscribe_url }}',
  );
  const company = await make.company({ name: "Acme <Ltd>", attributes: { tier: "gold" } });
  const contact = await make.contact({ first_name: "Ann", last_name: "Lee", country: "TH", company: company.id });
  const [shown] = await previewed(sequence, { contact_id: contact.id });

  const enrollment = await make.enroll({ sequence_id: sequence.id, contact_id: contact.id });
  const [facts] = await loadFacts(api.database, [enrollment.step_executions[0].id]);
  if (facts === undefined) throw new Error("no facts");
  const unsubscribeUrl = "http://127.0.0.1:4600/u/this-is-a-preview";
  const template = await loadTemplateContent(api.database, facts.template.versionId);
  const sent = renderEmail(createRenderer(), template, emailVariables(facts, unsubscribeUrl), testNow);

  expect(sent).toMatchObject({ kind: "rendered", subject: shown.subject, html: shown.html, text: shown.text });
  expect(shown.html).toContain("Acme &lt;Ltd&gt;");
  expect(shown.html).toContain(unsubscribeUrl);
});

test("somebody who does not exist can be shown an email too, with a company", async () => {
  const sequence = await sequenceOf("{{ contact.first_name }} {{ contact.attributes.plan }} {{ company.name }}");

  const contact = {
    email: "new@example.com",
    first_name: "Ina",
    attributes: { plan: "pro" },
    company: { name: "Acme" },
  };
  const [shown] = await previewed(sequence, { contact });

  expect(shown.subject).toBe("Re: Ina pro Acme");
  expect((await api.get("/api/v1/contacts/?email=new@example.com")).body.results).toEqual([]);
});

test("inactive steps are shown as such", async () => {
  const sequence = await sequenceOf("One", "Two");
  await api.database.query("update sequence_step set is_active = false where id = $1", [sequence.steps[1].id]);

  const results = await previewed(sequence, { contact: { email: "a@example.com" } });

  expect(results).toMatchObject([{ is_active: true }, { is_active: false, subject: "Re: Two" }]);
});

test("the unsubscribe link of a preview opts nobody out", async () => {
  const sequence = await sequenceOf("{{ unsubscribe_url }}");
  const contact = await make.contact();
  const [{ text }] = await previewed(sequence, { contact_id: contact.id });
  const { pathname } = new URL(text.trim());

  expect((await api.send("GET", pathname, { key: null })).status).toBe(404);
  expect((await api.send("POST", pathname, { key: null })).status).toBe(404);
  expect((await api.get(`/api/v1/contacts/${contact.id}/`)).body.opted_out_at).toBeNull();
});

test.each([
  ["nobody", {}, "/contact_id"],
  ["two people", { contact_id: nobody, contact: { email: "a@example.com" } }, "/contact_id"],
  ["an unknown contact", { contact_id: nobody }, "/contact_id"],
  ["an address that is none", { contact: { email: "nobody" } }, "/contact/email"],
])("%s is refused, with its place", async (_, body, pointer) => {
  const { errors } = expectProblem(await preview(await sequenceOf("One"), body), 422, "validation_failed");
  expect(errors.map((place: { pointer: string }) => place.pointer)).toContain(pointer);
});

test("an unknown sequence is 404, and a draft that nobody builds 409", async () => {
  const contact = { email: "a@example.com" };
  expectProblem(await preview({ id: nobody }, { contact }), 404, "not_found");
  expectProblem(await preview(await sequenceOf("One"), { contact, version: "draft" }), 409, "no_draft");
});

test("nothing is sent and nothing written", async () => {
  const sequence = await sequenceOf("One");
  const contact = await make.contact();
  const counts = async () => {
    const { rows } = await api.database.query(
      `select (select count(*) from email_log) as emails, (select count(*) from contact) as contacts,
              (select count(*) from audit_log) as audits, (select count(*) from idempotency_key) as keys,
              (select count(*) from step_execution) as executions`,
    );
    return rows;
  };
  const before = await counts();

  await previewed(sequence, { contact_id: contact.id });
  await previewed(sequence, { contact: { email: "new@example.com" } });

  expect(await counts()).toEqual(before);
});
