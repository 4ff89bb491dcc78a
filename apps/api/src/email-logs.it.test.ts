import { insertEmailLog } from "@dripline/db/testing/email-logs";
import { insertExecution } from "@dripline/db/testing/executions";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence, makeTemplate } from "@dripline/testkit/factories";
import { describe, expect, test } from "vitest";
import { expectProblem, nobody } from "./testing/make.ts";
import { startApi } from "./testing/start-api.ts";

const { url } = await freshDatabase();
const api = await startApi(url);
const { database: db } = api;

type Template = Parameters<typeof makeTemplate>[1];

/** An execution whose email was sent, and its entry in the log. */
async function sent(values: Parameters<typeof insertEmailLog>[2] = {}, template: Template = {}) {
  const templateId = await makeTemplate(db, template);
  const [sequence, contact] = [await makeSequence(db, { steps: [{ templateId }] }), await makeContact(db)];
  const made = await insertExecution(db, sequence, contact.id, { status: "sent" });
  return { ...made, templateId, id: await insertEmailLog(db, made, values) };
}

const list = async (query: string) => {
  const { status, body } = await api.get(`/api/v1/email-logs/?${query}`);
  expect(status).toBe(200);
  return body;
};
const idsOf = async (query: string): Promise<string[]> =>
  (await list(query)).results.map((log: { id: string }) => log.id);
const message = (id: string) => api.get(`/api/v1/email-logs/${id}/message/`);

describe("an email that was handed over", () => {
  test("is shown with whose it was, what the server said and what it was made from", async () => {
    const { id, executionId, enrollmentId, contactId, sequence, templateId } = await sent();

    const { status, body } = await api.get(`/api/v1/email-logs/${id}/`);

    expect(status).toBe(200);
    expect(body).toEqual({
      id,
      execution: executionId,
      enrollment: enrollmentId,
      sequence: sequence.id,
      sequence_name: `Sequence ${sequence.id}`,
      contact: contactId,
      message_id: `<${executionId}@example.com>`,
      from_address: "us@example.com",
      to_address: "ann@example.com",
      subject: "Hello Ann",
      outcome: "accepted",
      response: "250 2.0.0 Ok: queued",
      email_template: templateId,
      email_template_version: 1,
      sent_at: "2026-11-20T03:00:00.000Z",
    });
    expect((await list(`execution=${executionId}`)).results).toEqual([body]);
  });

  test("stays when its contact is deleted, and knows its sequence", async () => {
    const made = await sent();
    const id = await insertEmailLog(db, made, {
      executionId: null,
      contactId: null,
      templateVersionId: null,
    });
    expect((await api.get(`/api/v1/email-logs/${id}/`)).body).toMatchObject({
      execution: null,
      enrollment: null,
      sequence: made.sequence.id,
      contact: null,
      email_template: null,
    });
  });

  test("that does not exist is a 404", async () => {
    expectProblem(await api.get(`/api/v1/email-logs/${nobody}/`), 404, "not_found");
  });
});

describe("the list", () => {
  test("is narrowed by each filter", async () => {
    const at = new Date("2026-10-01T10:00:00.000Z");
    const one = await sent({ toAddress: "Zoe@Example.com", subject: "Spring 50%", outcome: "in_doubt", sentAt: at });
    await sent({ toAddress: "zoe.other@example.com", subject: "Autumn" });

    for (const query of [
      `contact=${one.contactId}`,
      `execution=${one.executionId}`,
      `sequence=${one.sequence.id}`,
      "outcome=in_doubt",
      "to_address=zoe@example.COM",
      `message_id=${encodeURIComponent(`<${one.executionId}@example.com>`)}`,
      "search=spring",
      `search=${encodeURIComponent("50%")}`,
      "search=zoe@EX",
      "sent_at__lt=2026-10-02T00:00:00Z",
      "sent_at__gte=2026-10-01T10:00:00Z&sent_at__lte=2026-10-01T17:00:00%2B07:00",
      "sent_at__gt=2026-10-01T09:59:59Z&sent_at__lt=2026-10-01T10:00:01Z",
    ]) {
      expect({ query, ids: await idsOf(query) }).toEqual({ query, ids: [one.id] });
      expect((await list(`${query}&include_count=true`)).count).toBe(1);
    }
    for (const query of [
      `contact=${nobody}`,
      "to_address=zoe",
      `message_id=${one.executionId}`,
      "sent_at__gt=2026-10-01T10:00:00Z&sent_at__lte=2026-10-01T10:00:00Z",
      "sent_at__gte=2026-10-01T10:00:00Z&sent_at__lt=2026-10-01T10:00:00Z",
    ]) {
      expect({ query, ids: await idsOf(query) }).toEqual({ query, ids: [] });
    }
  });

  test("goes on from page to page within its filters, newest first, ranges included", async () => {
    const { executionId, ...made } = await sent();
    const ids: string[] = [];
    for (let hour = 1; hour <= 5; hour += 1) {
      ids.push(await insertEmailLog(db, { executionId, ...made }, { sentAt: new Date(Date.UTC(2026, 8, 1, hour)) }));
    }
    const query = `execution=${executionId}&sent_at__gte=2026-09-01T02:00:00Z&sent_at__lt=2026-09-02T00:00:00Z&page_size=2`;
    const first = await list(query);
    const second = (await api.get(first.next.replace("http://127.0.0.1:4600", ""))).body;

    const seen = [...first.results, ...second.results].map((log: { id: string }) => log.id);
    expect(seen).toEqual(ids.slice(1).toReversed());
    expect(second.next).toBeNull();
  });

  test("refuses a bound that is no moment", async () => {
    const answer = await api.get("/api/v1/email-logs/?sent_at__gte=yesterday");
    expect(expectProblem(answer, 400, "invalid_query").errors).toMatchObject([{ pointer: "/sent_at__gte" }]);
  });
});

describe("the message", () => {
  test("is rendered again from the version it was made from, whatever was edited since, as of when it was made", async () => {
    const template = {
      subject: "Hello {{ contact.first_name }}",
      html: "<p>Today is {{ 'now' | date: '%Y-%m-%d' }}</p>",
      text: "Today is {{ 'now' | date: '%Y-%m-%d' }}",
    };
    const { id, templateId, executionId, sequence } = await sent(
      { composedAt: new Date("2026-11-18T02:00:00.000Z") },
      template,
    );
    await db.query(
      `with added as (
         insert into email_template_version (id, template_id, version_number, subject, mjml, html, text)
         values (gen_random_uuid(), $1, 2, 'Edited', '', 'Edited', 'Edited')
       ) update email_template set current_version_number = 2 where id = $1`,
      [templateId],
    );

    const { status, body } = await message(id);

    expect(status).toBe(200);
    expect(body).toMatchObject({
      id,
      subject: "Hello Ann",
      html: "<p>Today is 2026-11-18</p>",
      text: "Today is 2026-11-18\n",
      composed_at: "2026-11-18T02:00:00.000Z",
    });
    expect(body.headers).toEqual({
      From: "us@example.com",
      To: "Ann Lee <ann@example.com>",
      Subject: "Hello Ann",
      Date: "Wed, 18 Nov 2026 02:00:00 +0000",
      "Message-ID": `<${executionId}@example.com>`,
      "List-Unsubscribe": "<https://example.com/u/this-is-a-copy>",
      "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
      "Auto-Submitted": "auto-generated",
      "List-Id": `<${sequence.id}.example.com>`,
    });
  });

  test("does not show the link that would opt its recipient out", async () => {
    const { id } = await sent({}, { html: '<a href="{{ unsubscribe_url }}">Leave</a>', text: "{{ unsubscribe_url }}" });
    const { body } = await message(id);
    expect(JSON.stringify(body)).not.toContain("a-token");
    expect(body.html).toBe('<a href="https://example.com/u/this-is-a-copy">Leave</a>');
  });

  test("of before the moment was kept is rendered as of when it was sent, without a Date", async () => {
    const { id } = await sent({ composedAt: null }, { text: "{{ 'now' | date: '%Y-%m-%d' }}" });
    const { body } = await message(id);
    expect(body).toMatchObject({ composed_at: null, text: "2026-11-20\n" });
    expect(body.headers).not.toHaveProperty("Date");
  });

  test("whose template version is gone is a 409 that says so", async () => {
    const { id } = await sent({ templateVersionId: null });
    expect(expectProblem(await message(id), 409, "message_unavailable").reason).toBe("template_version_gone");
  });

  test("that cannot be rendered from what was kept is a 409 that says why", async () => {
    const { id } = await sent({ variables: { unsubscribe_url: "https://example.com/u/a-token" } });
    const problem = expectProblem(await message(id), 409, "message_unavailable");
    expect(problem.reason).toBe("not_renderable");
    expect(problem.detail).toContain("no value for contact");
  });

  test("of an email that does not exist is a 404", async () => {
    expectProblem(await message(nobody), 404, "not_found");
  });
});
