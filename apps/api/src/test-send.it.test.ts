import type { MailTransport, Reply } from "@dripline/mail/transport";
import { freshDatabase } from "@dripline/testkit/database";
import { startScriptedSmtp } from "@dripline/testkit/scripted-smtp";
import { waitFor } from "@dripline/testkit/wait-for";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { openTestMail } from "./open-test-mail.ts";
import { expectProblem, makers, nobody } from "./testing/make.ts";
import { startApi } from "./testing/start-api.ts";

const { url } = await freshDatabase();
const smtp = await startScriptedSmtp();
const from = { name: "Dripline", address: "hello@example.com" };
const mail = openTestMail({ smtpUrl: smtp.url, mailFrom: from });
const api = await startApi(url, { testMail: mail });
const make = makers(api);

beforeEach(() => {
  smtp.bodies.length = 0;
  smtp.play("accept");
});
afterAll(async () => {
  await mail?.close();
  await smtp.close();
});

const ann = { email: "ann@customer.example", first_name: "Ann" };
const testSend = (id: string, body: object, headers = {}) =>
  api.post(`/api/v1/email-templates/${id}/test-send/`, { contact: ann, ...body }, headers);
const places = (body: { errors: { pointer: string }[] }) => body.errors.map(({ pointer }) => pointer);
const header = (message: string, name: string) => new RegExp(`^${name}: (.*)\r$`, "mi").exec(message)?.[1];

describe("a test send", () => {
  test("hands the email to the mail server, rendered for the contact, to the given addresses and nobody else", async () => {
    const { id } = await make.template({ subject: "Welcome, {{ contact.first_name }}" });

    const { status, body } = await testSend(id, { to: ["me@example.com", "You@example.com"] });

    expect(status).toBe(200);
    expect(body).toMatchObject({ id, version_number: 1, subject: "[Test] Welcome, Ann" });
    expect(body.results).toMatchObject([
      { to: "me@example.com", outcome: "accepted", response: expect.stringMatching(/^250/) },
      { to: "You@example.com", outcome: "accepted" },
    ]);
    expect(smtp.bodies.map((message) => header(message, "To")).sort()).toEqual(["You@example.com", "me@example.com"]);
    for (const message of smtp.bodies) {
      expect(header(message, "Subject")).toBe("[Test] Welcome, Ann");
      expect(header(message, "From")).toBe("Dripline <hello@example.com>");
      expect(message).toContain("Hello Ann");
      expect(message).not.toContain(ann.email);
    }
    expect(new Set(smtp.bodies.map((message) => header(message, "Message-ID"))).size).toBe(2);
  });

  test("carries no link that would opt anybody out", async () => {
    const [{ id }, contact, sequence] = [await make.template(), await make.contact(ann), await make.sequence()];
    await make.enroll({ sequence_id: sequence.id, contact_id: contact.id });

    await testSend(id, { to: ["me@example.com"], contact: undefined, contact_id: contact.id });

    const link = header(smtp.bodies[0] ?? "", "List-Unsubscribe") ?? "";
    const { pathname } = new URL(link.slice(1, -1));
    expect((await api.send("POST", pathname, { key: null })).status).toBe(404);
    expect((await api.get(`/api/v1/contacts/${contact.id}/`)).body.opted_out_at).toBeNull();
  });

  test("counts as nobody's step, and is in the audit log with whom it went to", async () => {
    const { id } = await make.template();

    await testSend(id, { to: ["me@example.com"] });

    const logs = await api.database.query("select 1 from email_log where to_address = 'me@example.com'");
    expect(logs.rows).toEqual([]);
    const { rows } = await api.database.query(
      "select principal, data from audit_log where object_id = $1 and action = 'testSendEmailTemplate'",
      [id],
    );
    expect(rows).toEqual([
      {
        principal: expect.stringMatching(/^api_key:/),
        data: { version_number: 1, results: [{ to: "me@example.com", outcome: "accepted" }] },
      },
    ]);
  });

  test("that is asked for again with its key is answered again, and not sent again", async () => {
    const { id } = await make.template();
    const key = { "idempotency-key": "test-send-1" };

    const first = await testSend(id, { to: ["me@example.com"] }, key);
    const second = await testSend(id, { to: ["me@example.com"] }, key);

    expect(second.body).toEqual(first.body);
    expect(second.headers.get("idempotency-replayed")).toBe("true");
    expect(smtp.bodies).toHaveLength(1);
  });

  test("tells of each address what the mail server said", async () => {
    const { id } = await make.template();
    smtp.play({ refuseRecipient: { domain: "gone.example", code: 550, text: "5.1.1 no such user" } });

    const { status, body } = await testSend(id, { to: ["me@gone.example", "me@example.com"] });

    expect(status).toBe(200);
    expect(body.results).toMatchObject([
      { to: "me@gone.example", outcome: "refused", response: expect.stringContaining("no such user") },
      { to: "me@example.com", outcome: "accepted" },
    ]);
  });

  test("does not suppress an address that its mail server refuses", async () => {
    const { id } = await make.template();
    smtp.play({ refuseRecipient: { code: 550, text: "5.1.1 no such user" } });
    await testSend(id, { to: ["typo@example.com"] });
    smtp.play("accept");

    expect((await testSend(id, { to: ["typo@example.com"] })).body.results).toMatchObject([{ outcome: "accepted" }]);
  });

  test("says so when nobody knows whether it arrived", async () => {
    const { id } = await make.template();
    smtp.play("drop_after_body");

    expect((await testSend(id, { to: ["me@example.com"] })).body.results).toMatchObject([{ outcome: "in_doubt" }]);
  });
});

describe("a test send is refused, and nobody gets it,", () => {
  test("to an address that is suppressed or of a contact who opted out, in whatever letter case", async () => {
    const [{ id }, contact] = [await make.template(), await make.contact({ email: "quiet@example.com" })];
    await api.send("PATCH", `/api/v1/contacts/${contact.id}/`, { body: { opted_out: true } });
    await api.database.query(
      "insert into suppression (id, email, reason) values (gen_random_uuid(), 'bounced@example.com', 'hard_bounce')",
    );

    const answer = await testSend(id, { to: ["me@example.com", "Bounced@example.com", "QUIET@example.com"] });

    expect(expectProblem(answer, 422, "validation_failed").errors).toMatchObject([
      { pointer: "/to/1", code: "suppressed" },
      { pointer: "/to/2", code: "opted_out" },
    ]);
    expect(smtp.bodies).toEqual([]);
  });

  test("with a hole in it: the reason is the one with which the worker would hold it", async () => {
    const { id } = await make.template({ subject: "For {{ company.name }}" });

    const problem = expectProblem(await testSend(id, { to: ["me@example.com"] }), 422, "template_not_renderable");

    expect(problem).toMatchObject({ reason: "missing_variable", part: "subject", variable: "company.name" });
    expect(smtp.bodies).toEqual([]);
  });

  test.each([
    ["to nobody", { to: [] }, "/to"],
    ["to more than five", { to: [1, 2, 3, 4, 5, 6].map((n) => `me${n}@example.com`) }, "/to"],
    ["to one address twice", { to: ["me@example.com", "ME@example.com"] }, "/to/1"],
    ["to an address that is none", { to: ["me@example.com\r\nBcc: you@example.com"] }, "/to/0"],
    ["as a contact that does not exist", { contact: undefined, contact_id: nobody }, "/contact_id"],
    ["of a sequence that does not exist", { sequence_id: nobody }, "/sequence_id"],
    ["of a version that does not exist", { version_number: 9 }, "/version_number"],
  ])("%s", async (_, body, pointer) => {
    const { id } = await make.template();
    const answer = await testSend(id, { to: ["me@example.com"], ...body });

    expect(places(expectProblem(answer, 422, "validation_failed"))).toEqual([pointer]);
    expect(smtp.bodies).toEqual([]);
  });

  test("of a template that does not exist", async () => {
    expectProblem(await testSend(nobody, { to: ["me@example.com"] }), 404, "not_found");
  });

  test("where the API knows no mail server, with what to set", async () => {
    const { id } = await make.template();
    const silent = await startApi(url, { testMail: openTestMail({ smtpUrl: undefined, mailFrom: from }) });

    const answer = await silent.post(`/api/v1/email-templates/${id}/test-send/`, {
      to: ["me@example.com"],
      contact: ann,
    });

    const { detail } = expectProblem(answer, 409, "mail_not_configured");
    expect(detail).toContain("SMTP_URL");
    expect(detail).toContain("MAIL_FROM");
  });

  test("while two others wait for the mail server, so that they cannot keep everybody else from the database", async () => {
    const { id } = await make.template();
    const waiting: ((reply: Reply) => void)[] = [];
    const deliver = () => new Promise<Reply>((resolve) => waiting.push(resolve));
    const slow = await startApi(url, {
      testMail: { from, transport: () => ({ deliver }) as unknown as MailTransport },
    });
    const send = () => slow.post(`/api/v1/email-templates/${id}/test-send/`, { to: ["me@example.com"], contact: ann });
    const first = [send(), send()];
    await waitFor(() => waiting.length === 2, { timeoutMilliseconds: 20_000, describe: "two test sends under way" });

    const refused = await send();

    expectProblem(refused, 429, "rate_limited");
    expect(refused.headers.get("retry-after")).toMatch(/^\d+$/);
    for (const answer of waiting)
      answer({ kind: "unreachable", phase: "connect", cause: "network", error: "no route" });
    for (const { body } of await Promise.all(first)) {
      expect(body.results).toMatchObject([{ outcome: "unreachable", response: "no route" }]);
    }
  });
});
