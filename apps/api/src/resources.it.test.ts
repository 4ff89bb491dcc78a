import { freshDatabase } from "@dripline/testkit/database";
import { describe, expect, test } from "vitest";
import { expectProblem, makers, mjml, nobody } from "./testing/make.ts";
import { startApi, testNow } from "./testing/start-api.ts";

const { url } = await freshDatabase();
const api = await startApi(url);
const make = makers(api);
const places = (body: { errors: { pointer: string }[] }) => body.errors.map(({ pointer }) => pointer);

describe("contacts", () => {
  test("a contact is created, read and listed alike", async () => {
    const company = await make.company({ name: "Acme" });
    const sent = {
      email: "Ann.Lee@example.com",
      first_name: "Ann",
      last_name: "Lee",
      company: company.id,
      timezone: "Asia/Bangkok",
      country: "TH",
      attributes: { plan: "pro", seats: 3, tags: ["a", null] },
    };

    const { status, body } = await api.post("/api/v1/contacts/", sent);

    expect(status).toBe(201);
    expect(body).toMatchObject({ ...sent, company_name: "Acme", opted_out_at: null });
    expect((await api.get(`/api/v1/contacts/${body.id}/`)).body).toEqual(body);
    expect((await api.get("/api/v1/contacts/?email=ann.lee@EXAMPLE.com")).body.results).toEqual([body]);
  });

  test("an address is taken without regard to letter case, and the answer names its contact", async () => {
    const { id } = await make.contact({ email: "taken@example.com" });

    const problem = expectProblem(
      await api.post("/api/v1/contacts/", { email: "Taken@Example.com" }),
      409,
      "email_taken",
    );

    expect(problem.existing_id).toBe(id);
    expect(places(problem)).toEqual(["/email"]);
  });

  test("of requests that race for one address exactly one succeeds", async () => {
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => api.post("/api/v1/contacts/", { email: "race@example.com" })),
    );

    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409]);
  });

  test.each([
    ["an address that is none", { email: "ann" }, "/email"],
    ["two mailboxes", { email: "ann@example.com, bob@example.com" }, "/email"],
    ["a line break in the address", { email: "ann@example.com\r\nBcc: bob@example.com" }, "/email"],
    ["letters beyond ASCII before the @", { email: "jürgen@example.com" }, "/email"],
    ["a zone that does not exist", { email: "z@example.com", timezone: "Asia/Atlantis" }, "/timezone"],
    ["an offset for a zone", { email: "z@example.com", timezone: "+07:00" }, "/timezone"],
    ["a NUL in a name", { email: "z@example.com", first_name: "a\0b" }, "/first_name"],
    ["a NUL deep in the attributes", { email: "z@example.com", attributes: { a: [{ b: "\0" }] } }, "/attributes"],
    ["an unknown company", { email: "z@example.com", company: nobody }, "/company"],
    ["an unknown field", { email: "z@example.com", e_mail: "z" }, "/e_mail"],
    ["no address", {}, "/email"],
  ])("%s is refused, with its place", async (_, body, pointer) => {
    expect(places(expectProblem(await api.post("/api/v1/contacts/", body), 422, "validation_failed"))).toEqual([
      pointer,
    ]);
  });
});

describe("companies", () => {
  test("a company is created, read and found", async () => {
    const { body } = await api.post("/api/v1/companies/", { name: "Globex", country: "DE" });

    expect(body).toMatchObject({ name: "Globex", country: "DE", timezone: null, attributes: {} });
    expect((await api.get(`/api/v1/companies/${body.id}`)).body).toEqual(body);
    expect((await api.get("/api/v1/companies/?search=gLOB")).body.results).toEqual([body]);
  });

  test("a company without a name is refused", async () => {
    expect(
      places(expectProblem(await api.post("/api/v1/companies/", { name: " " }), 422, "validation_failed")),
    ).toEqual(["/name"]);
  });
});

describe("email templates", () => {
  test("a template is compiled when it is saved, and its variables are known", async () => {
    const { status, body } = await api.post("/api/v1/email-templates/", {
      name: "Welcome",
      subject: "Welcome, {{ contact.first_name }}",
      mjml,
    });

    expect(status).toBe(201);
    expect(body).toMatchObject({ name: "Welcome", version: 1, mjml, variables: ["contact.first_name"] });
    expect(body.html).toMatch(/^\s*<!doctype html/i);
    expect(body.text).toContain("Hello {{ contact.first_name }}");
    expect((await api.get(`/api/v1/email-templates/${body.id}/`)).body).toEqual(body);
  });

  test("a list of templates comes without their bodies", async () => {
    const { id } = await make.template({ name: "Slim" });

    const { results } = (await api.get("/api/v1/email-templates/?search=slim")).body;

    expect(results).toMatchObject([{ id, name: "Slim" }]);
    for (const field of ["mjml", "html", "text"]) expect(results[0]).not.toHaveProperty(field);
  });

  test("a name is taken without regard to letter case", async () => {
    const { id } = await make.template({ name: "Unique" });

    const answer = await api.post("/api/v1/email-templates/", { name: "UNIQUE", subject: "s", mjml });

    expect(expectProblem(answer, 409, "name_taken").existing_id).toBe(id);
  });

  test.each([
    ["MJML that does not compile", { mjml: mjml.replace("<mj-body>", "<mj-body>\n<mj-nonsense/>") }, "/mjml", 2],
    ["Liquid that does not compile", { mjml: mjml.replace("Hello", "Hello\n{% if %}") }, "/mjml", 2],
    ["Liquid in the subject that does not compile", { subject: "Hi {{ contact.first_name" }, "/subject", 1],
    ["Liquid in the text that does not compile", { text: "one\ntwo {% nonsense %}" }, "/text", 2],
  ])("%s is refused, with line and column", async (_, fields, pointer, line) => {
    const answer = await api.post("/api/v1/email-templates/", { name: "Broken", subject: "s", mjml, ...fields });

    const { errors, detail } = expectProblem(answer, 422, "template_invalid");
    expect(errors[0]).toMatchObject({ pointer, line, column: expect.any(Number) });
    expect(errors[0].detail).toContain(`line ${line}`);
    expect(detail).toContain(`line ${line}`);
    expect((await api.get("/api/v1/email-templates/?search=broken")).body.results).toEqual([]);
  });
});

describe("schedules", () => {
  test("a schedule is created, read and listed alike", async () => {
    const sent = {
      name: "Nights",
      timezone: "Europe/Berlin",
      windows: [{ weekday: 5, start: "22:00", end: "06:00" }],
      closed_dates: ["2026-12-25"],
      holidays: { country: "DE", region: "BY" },
      special_hours: [{ date: "2026-12-24", windows: [{ start: "09:00", end: "12:00" }] }],
      uses_contact_timezone: true,
      spread_minutes: 0,
    };

    const { status, body } = await api.post("/api/v1/schedules/", sent);

    expect(status).toBe(201);
    expect(body).toMatchObject({ ...sent, is_default: false });
    expect((await api.get(`/api/v1/schedules/${body.id}/`)).body).toEqual(body);
    expect((await api.get("/api/v1/schedules/?search=nights")).body.results).toEqual([body]);
    expectProblem(await api.post("/api/v1/schedules/", { ...sent, name: "nights" }), 409, "name_taken");
  });

  test.each([
    ["a zone that does not exist", { timezone: "Mars/Base" }, "/timezone"],
    ["a weekday that is none", { windows: [{ weekday: 0, start: "09:00", end: "17:00" }] }, "/windows/0/weekday"],
    ["a time that is none", { windows: [{ weekday: 1, start: "9am", end: "17:00" }] }, "/windows/0/start"],
    ["a date that is none", { closed_dates: ["2026-02-30"] }, "/closed_dates/0"],
    ["a spread below zero", { spread_minutes: -1 }, "/spread_minutes"],
    ["a country without a calendar", { holidays: { country: "XX", region: null } }, "/holidays/country"],
    ["a region that its country does not have", { holidays: { country: "DE", region: "LA" } }, "/holidays/region"],
    [
      "special hours without a window",
      { special_hours: [{ date: "2026-12-24", windows: [] }] },
      "/special_hours/0/windows",
    ],
    [
      "special hours on a closed date",
      {
        closed_dates: ["2026-12-24"],
        special_hours: [{ date: "2026-12-24", windows: [{ start: "09:00", end: "12:00" }] }],
      },
      "/special_hours/0/date",
    ],
  ])("%s is refused, with its place", async (_, fields, pointer) => {
    const answer = await api.post("/api/v1/schedules/", { name: "Bad", timezone: "UTC", windows: [], ...fields });

    expect(places(expectProblem(answer, 422, "validation_failed"))).toEqual([pointer]);
  });
});

describe("a schedule is changed", () => {
  const eve = { date: "2026-12-24", windows: [{ start: "09:00", end: "12:00" }] };
  const patch = (id: string, body: object) => api.send("PATCH", `/api/v1/schedules/${id}/`, { body });

  test.each([
    ["the name", { name: "Renamed" }],
    ["the zone", { timezone: "Europe/Berlin" }],
    ["the windows", { windows: [{ weekday: 7, start: "22:00", end: "06:00" }] }],
    ["closed dates", { closed_dates: ["2026-12-25"] }],
    ["holidays", { holidays: { country: "DE", region: "BY" } }],
    ["special hours", { special_hours: [eve] }],
    ["whose zone counts", { uses_contact_timezone: true }],
    ["the spread", { spread_minutes: 90 }],
  ])("in %s, and in nothing else", async (_, changes) => {
    const before = await make.schedule();

    const { status, body } = await patch(before.id, changes);

    expect(status).toBe(200);
    expect(body).toEqual({ ...before, ...changes, revision: before.revision + 1, updated_at: testNow.toISOString() });
    expect((await api.get(`/api/v1/schedules/${before.id}/`)).body).toEqual(body);
  });

  test("to no holidays and no closed dates any more", async () => {
    const before = await make.schedule({ closed_dates: ["2026-12-25"], holidays: { country: "DE" } });
    expect(before.holidays).toEqual({ country: "DE", region: null });

    const { body } = await patch(before.id, { closed_dates: [], holidays: null });

    expect(body).toMatchObject({ closed_dates: [], holidays: null });
  });

  test.each([
    ["a zone that does not exist", { timezone: "Mars/Base" }, "/timezone"],
    ["a calendar that does not exist", { holidays: { country: "XX" } }, "/holidays/country"],
    ["a time that is none", { windows: [{ weekday: 1, start: "9am", end: "17:00" }] }, "/windows/0/start"],
    ["a field that there is not", { name: "Renamed", status: "active" }, "/status"],
    ["nothing", {}, ""],
    ["a closed date that has special hours already", { closed_dates: [eve.date] }, "/special_hours/0/date"],
  ])("to %s: refused with its place, and nothing is written", async (_, changes, pointer) => {
    const before = await make.schedule({ special_hours: [eve] });

    const answer = await patch(before.id, changes);

    expect(places(expectProblem(answer, 422, "validation_failed"))).toEqual([pointer]);
    expect((await api.get(`/api/v1/schedules/${before.id}/`)).body).toEqual(before);
  });

  test("to another one's name: refused with whose it is; its own in capitals is fine", async () => {
    const [mine, other] = [await make.schedule(), await make.schedule()];
    const rename = (name: string) => patch(mine.id, { name });

    const problem = expectProblem(await rename(other.name.toUpperCase()), 409, "name_taken");

    expect(problem).toMatchObject({ existing_id: other.id });
    expect((await rename(mine.name.toUpperCase())).body.name).toBe(mine.name.toUpperCase());
  });

  test("that does not exist: 404", async () => {
    expectProblem(await patch(nobody, { name: "Renamed" }), 404, "not_found");
  });
});

describe("sequences", () => {
  test("a sequence is created with its steps, read and listed alike", async () => {
    const [template, schedule] = [await make.template(), await make.schedule()];

    const { status, body } = await api.post("/api/v1/email-sequences/", {
      name: "Onboarding",
      description: "Thirty days",
      schedule: schedule.id,
      in_doubt_policy: "hold",
      steps: [
        { step_number: 2, name: "Tips", email_template: template.id, delay: { value: 2, unit: "business_days" } },
        { step_number: 1, name: "Welcome", email_template: template.id, delay_days: 0, is_active: false },
      ],
    });

    expect(status).toBe(201);
    expect(body).toMatchObject({
      name: "Onboarding",
      description: "Thirty days",
      status: "active",
      schedule: schedule.id,
      in_doubt_policy: "hold",
      version: 1,
      total_steps: 2,
      active_enrollments: 0,
      created_by: null,
      created_by_name: null,
      steps: [
        {
          step_number: 1,
          sequence: body.id,
          email_template_name: template.name,
          delay_days: 0,
          delay: { value: 0, unit: "days" },
          is_active: false,
        },
        { step_number: 2, delay_days: null, delay: { value: 2, unit: "business_days" }, is_active: true },
      ],
    });
    expect((await api.get(`/api/v1/email-sequences/${body.id}/`)).body).toEqual(body);
    expect((await api.get("/api/v1/email-sequences/?search=thirty")).body.results).toEqual([body]);
  });

  test("a sequence that names no schedule gets the default: business hours in Bangkok", async () => {
    const { schedule } = await make.sequence();

    expect((await api.get(`/api/v1/schedules/${schedule}/`)).body).toMatchObject({
      timezone: "Asia/Bangkok",
      is_default: true,
    });
  });

  test("a sequence counts its active enrollments only", async () => {
    const sequence = await make.sequence();
    const [ann, bob] = [await make.contact(), await make.contact()];
    await make.enroll({ sequence_id: sequence.id, contact_id: ann.id });
    const { id } = await make.enroll({ sequence_id: sequence.id, contact_id: bob.id });
    await api.post(`/api/v1/sequence-enrollments/${id}/unenroll/`, {});

    expect((await api.get(`/api/v1/email-sequences/${sequence.id}/`)).body.active_enrollments).toBe(1);
  });

  test.each([
    ["two steps with one number", [{ step_number: 1 }, { step_number: 1 }], "/steps/1/step_number", "duplicate"],
    ["a delay below zero", [{ delay_days: -1 }], "/steps/0/delay_days", "invalid"],
    ["an unknown template", [{}, { step_number: 2, email_template: nobody }], "/steps/1/email_template", "not_found"],
    ["a step number of zero", [{ step_number: 0 }], "/steps/0/step_number", "invalid"],
  ])("%s is refused, with its place, and nothing is written", async (_, changes, pointer, code) => {
    const template = await make.template();
    const step = { step_number: 1, name: "Step", email_template: template.id, delay_days: 1 };
    const steps = changes.map((change) => ({ ...step, ...change }));

    const answer = await api.post("/api/v1/email-sequences/", { name: "Refused", steps });

    expect(expectProblem(answer, 422, "validation_failed").errors).toMatchObject([{ pointer, code }]);
    expect((await api.get("/api/v1/email-sequences/?search=refused")).body.results).toEqual([]);
  });

  test("an unknown schedule is refused", async () => {
    const answer = await api.post("/api/v1/email-sequences/", { name: "Refused", schedule: nobody });

    expect(places(expectProblem(answer, 422, "validation_failed"))).toEqual(["/schedule"]);
  });
});

describe("steps", () => {
  const add = (fields: object) => api.post("/api/v1/sequence-steps/", fields);

  test("a step is added in place while nobody is enrolled", async () => {
    const [sequence, template] = [await make.sequence([0]), await make.template()];

    const { status, body } = await add({
      sequence: sequence.id,
      step_number: 2,
      name: "Later",
      email_template: template.id,
      delay: { value: 6, unit: "hours" },
    });

    expect(status).toBe(201);
    expect(body).toMatchObject({ sequence: sequence.id, step_number: 2, delay_days: null, is_active: true });
    expect((await api.get(`/api/v1/sequence-steps/${body.id}/`)).body).toEqual(body);
    const { steps, total_steps } = (await api.get(`/api/v1/email-sequences/${sequence.id}/`)).body;
    expect(total_steps).toBe(2);
    const { revision, ...listed } = body;
    expect(steps[1]).toEqual(listed);
    expect(revision).toBe(2);
  });

  test("a second step with the same number is refused", async () => {
    const [sequence, template] = [await make.sequence([0]), await make.template()];

    const answer = await add({
      sequence: sequence.id,
      step_number: 1,
      name: "Again",
      email_template: template.id,
      delay_days: 0,
    });

    const problem = expectProblem(answer, 409, "step_number_taken");
    expect(problem.existing_id).toBe(sequence.steps[0].id);
  });

  test("once somebody is enrolled the steps of their version stay, and the new one is in a draft", async () => {
    const [sequence, template, contact] = [await make.sequence([0]), await make.template(), await make.contact()];
    await make.enroll({ sequence_id: sequence.id, contact_id: contact.id });

    const answer = await add({
      sequence: sequence.id,
      step_number: 2,
      name: "Late",
      email_template: template.id,
      delay_days: 1,
    });

    expect(answer.body).toMatchObject({ name: "Late", version: 2, is_draft: true });
    expect((await api.get(`/api/v1/email-sequences/${sequence.id}/`)).body.total_steps).toBe(1);
  });

  test.each([
    ["an unknown sequence", { sequence: nobody }, "/sequence"],
    ["an unknown template", { email_template: nobody }, "/email_template"],
    ["a delay below zero", { delay_days: -3 }, "/delay_days"],
    ["a delay of hours below zero", { delay_days: undefined, delay: { value: -1, unit: "hours" } }, "/delay/value"],
    ["no delay", { delay_days: undefined }, "/delay_days"],
  ])("%s is refused, with its place", async (_, change, pointer) => {
    const [sequence, template] = [await make.sequence([0]), await make.template()];
    const step = { sequence: sequence.id, step_number: 9, name: "S", email_template: template.id, delay_days: 1 };

    expect(places(expectProblem(await add({ ...step, ...change }), 422, "validation_failed"))).toEqual([pointer]);
  });
});

test("what was done through the API is in the audit log, with who and which request", async () => {
  const answer = await api.post("/api/v1/companies/", { name: "Audited" }, { "x-request-id": "audit-1" });

  const { rows } = await api.database.query("select * from audit_log where request_id = 'audit-1'");
  expect(rows).toMatchObject([
    {
      action: "createCompany",
      object_type: "companies",
      object_id: answer.body.id,
      principal: expect.stringMatching(/^api_key:/),
    },
  ]);
});

test("enrollments show how far they are", async () => {
  const [sequence, contact] = [await make.sequence(), await make.contact()];
  const { id } = await make.enroll({ sequence_id: sequence.id, contact_id: contact.id });
  const progress = async () => (await api.get(`/api/v1/sequence-enrollments/${id}/`)).body.progress;

  expect(await progress()).toBe("0/3 (0.0%)");
  await api.database.query("update sequence_enrollment set current_step_number = 1 where id = $1", [id]);
  await api.database.query("update step_execution set status = 'sent' where enrollment_id = $1", [id]);
  expect(await progress()).toBe("1/3 (33.3%)");
  await api.database.query("update sequence_enrollment set status = 'completed' where id = $1", [id]);
  expect(await progress()).toBe("3/3 (100.0%)");
});
