import { freshDatabase } from "@dripline/testkit/database";
import { expect, test } from "vitest";
import { expectProblem, makers, nobody } from "./testing/make.ts";
import { startApi, testNow } from "./testing/start-api.ts";

const { url } = await freshDatabase();
const api = await startApi(url);
const make = makers(api);

const plan = (sequence: { id: string }, body: object) => api.post(`/api/v1/email-sequences/${sequence.id}/plan/`, body);

/** Due at once, 3 days later (Thursday), and 27 days after that, in the business hours of Bangkok. */
const at10 = ["2026-11-23T03:00:00.000Z", "2026-11-26T03:00:00.000Z", "2026-12-23T03:00:00.000Z"];

async function planned(sequence: { id: string }, body: object) {
  const answer = await plan(sequence, body);
  expect(answer.body).not.toHaveProperty("code");
  expect(answer.status).toBe(200);
  return answer.body;
}

const timesOf = ({ sends }: { sends: { scheduled_for: string }[] }) => sends.map((send) => send.scheduled_for);

async function rowCounts(): Promise<Record<string, number>> {
  const tables = await api.database.query(
    "select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'",
  );
  const counts: Record<string, number> = {};
  for (const { table_name: name } of tables.rows) {
    const { rows } = await api.database.query(`select count(*)::int as count from "${name}"`);
    counts[name] = rows[0].count;
  }
  return counts;
}

test("a contact who is not enrolled gets the plan of being enrolled now", async () => {
  const [sequence, contact] = [await make.sequence(), await make.contact()];

  const body = await planned(sequence, { contact_id: contact.id });

  expect(body).toMatchObject({ now: testNow.toISOString(), errors: [] });
  expect(body).not.toHaveProperty("pace_day_milliseconds");
  expect(body.results).toMatchObject([
    { email: contact.email, contact: contact.id, basis: "hypothetical", obstacle: null, passed_over: [] },
  ]);
  expect(body.results[0].sends[1]).toEqual({
    step_number: 2,
    step_name: "Step 2",
    status: null,
    due_at: at10[1],
    scheduled_for: at10[1],
    local_time: "2026-11-26T10:00:00",
    timezone: "Asia/Bangkok",
    timezone_source: "schedule",
    earliest_at: at10[1],
    latest_at: at10[1],
    shifts: [],
    is_held: false,
  });
  expect(timesOf(body.results[0])).toEqual(at10);
});

test("what is planned for a contact is what enrolling them then writes", async () => {
  const [sequence, contact] = [await make.sequence([0, 3]), await make.contact()];
  const { results } = await planned(sequence, { contact_id: contact.id });

  const enrollment = await make.enroll({ sequence_id: sequence.id, contact_id: contact.id });

  expect(enrollment.step_executions[0].scheduled_for).toBe(results[0].sends[0].scheduled_for);
});

test("it can be asked for another moment: outside the window the spread leaves a range, with a sentence", async () => {
  const sequence = await make.sequence([0]);

  const body = await planned(sequence, { contacts: [{ email: "new@example.com" }], now: "2026-11-21T03:00:00Z" });

  expect(body.now).toBe("2026-11-21T03:00:00.000Z");
  expect(body.results[0].sends).toMatchObject([
    {
      due_at: "2026-11-21T03:00:00.000Z",
      earliest_at: "2026-11-23T02:00:00.000Z",
      latest_at: "2026-11-23T02:14:59.999Z",
      shifts: [expect.stringContaining("Saturday 10:00 in Asia/Bangkok")],
    },
  ]);
});

test("the other moment may have any offset; the answer is in UTC", async () => {
  const sequence = await make.sequence([0]);
  const body = await planned(sequence, { contacts: [{ email: "new@example.com" }], now: "2026-11-23T10:00:00+07:00" });

  expect(body.now).toBe(at10[0]);
  expect(timesOf(body.results[0])).toEqual([at10[0]]);
});

test.each(["9999-12-31T23:59:59Z", "2100-01-01T00:00:01Z", "1999-12-31T23:59:59Z"])(
  "a plan from %s is refused, with its place",
  async (now) => {
    const answer = await plan(await make.sequence([0]), { contacts: [{ email: "new@example.com" }], now });

    expect(expectProblem(answer, 422, "validation_failed").errors).toEqual([
      { pointer: "/now", code: "invalid", detail: expect.stringContaining("between 2000-01-01") },
    ]);
  },
);

test.each(["tomorrow", "2026-11-23", "2026-11-23T10:00:00", "2026-02-30T10:00:00Z"])(
  "%s is no moment: the answer says how one is written",
  async (now) => {
    const answer = await plan(await make.sequence([0]), { contacts: [{ email: "new@example.com" }], now });

    expect(expectProblem(answer, 422, "validation_failed").errors).toEqual([
      {
        pointer: "/now",
        code: "invalid",
        detail: 'is not a date-time such as "2027-01-01T09:00:00Z" or "2027-01-01T09:00:00+07:00"',
      },
    ]);
  },
);

test("delays that lead beyond the year 9999 end the plan there", async () => {
  const schedule = await make.schedule(); // one window a week: 3,650 business days are 70 years
  const template = await make.template();
  const steps = Array.from({ length: 130 }, (_, index) => ({
    step_number: index + 1,
    name: "Far",
    email_template: template.id,
    delay: { value: 3_650, unit: "business_days" },
  }));
  const sequence = await make.sequence([], { schedule: schedule.id, steps });

  const { results } = await planned(sequence, { contacts: [{ email: "new@example.com" }] });

  expect(results[0].sends).toHaveLength(113);
  expect(results[0].sends.at(-1).scheduled_for).toMatch(/^99/);
});

test("inactive steps are listed beside the sends, with the moment of the skip", async () => {
  const sequence = await make.sequence([0, 3, 27]);
  await api.database.query("update sequence_step set is_active = false where id = $1", [sequence.steps[1].id]);

  const { results } = await planned(sequence, { contacts: [{ email: "new@example.com" }] });

  expect(results[0].sends).toMatchObject([{ step_number: 1 }, { step_number: 3, due_at: "2026-12-20T03:00:00.000Z" }]);
  expect(results[0].passed_over).toEqual([{ step_number: 2, step_name: "Step 2", passed_at: at10[0] }]);
});

test("whoever is enrolled gets what they have still to get, from where they stand", async () => {
  const [sequence, contact] = [await make.sequence([0, 3, 27]), await make.contact()];
  const enrollment = await make.enroll({ sequence_id: sequence.id, contact_id: contact.id });
  const later = "2026-11-23T05:00:00.000Z";
  await api.database.query("update step_execution set due_at = $2, scheduled_for = $2 where id = $1", [
    enrollment.step_executions[0].id,
    later,
  ]);

  const { results } = await planned(sequence, { contacts: [{ email: contact.email.toUpperCase() }] });

  expect(results).toMatchObject([{ email: contact.email, contact: contact.id, basis: "enrolled", obstacle: null }]);
  expect(timesOf(results[0])).toEqual([later, "2026-11-26T05:00:00.000Z", "2026-12-23T05:00:00.000Z"]);
  expect(results[0].sends.map((send: { status: string }) => send.status)).toEqual(["scheduled", null, null]);
});

test("a paused enrollment keeps its row's moment, says that it is held, and goes on with what was left to wait", async () => {
  const [sequence, contact] = [await make.sequence([1, 1]), await make.contact()];
  const enrollment = await make.enroll({ sequence_id: sequence.id, contact_id: contact.id });
  const [{ id, due_at: dueAt }] = enrollment.step_executions;
  const heldAt = new Date(testNow.getTime() + 3_600_000);
  await api.database.query("update sequence_enrollment set status = 'paused', paused_at = $2 where id = $1", [
    enrollment.id,
    heldAt,
  ]);
  await api.database.query(
    "update step_execution set status = 'pending', hold_reason = 'enrollment_paused', held_at = $2 where id = $1",
    [id, heldAt],
  );

  const { results } = await planned(sequence, { contact_id: contact.id, now: "2026-11-24T04:00:00Z" });

  expect(results).toMatchObject([{ basis: "enrolled", obstacle: { code: "enrollment_paused" } }]);
  expect(results[0].sends).toMatchObject([
    {
      status: "pending",
      scheduled_for: dueAt,
      earliest_at: "2026-11-25T03:00:00.000Z", // 23 of the 24 hours were left
      shifts: [expect.stringMatching(/^Held, enrollment_paused.*as if it were let go now\.$/)],
    },
    { status: null, scheduled_for: "2026-11-26T03:00:00.000Z" },
  ]);
});

test("whoever was taken out with the status paused has nothing open, and the answer says so", async () => {
  const [sequence, contact] = [await make.sequence(), await make.contact()];
  const enrollment = await make.enroll({ sequence_id: sequence.id, contact_id: contact.id });
  await api.post(`/api/v1/sequence-enrollments/${enrollment.id}/unenroll/`, { status: "paused" });

  const { results } = await planned(sequence, { contact_id: contact.id });

  expect(results).toMatchObject([{ basis: "enrolled", obstacle: { code: "nothing_open" }, sends: [] }]);
});

test("of a paused sequence the plan is made all the same, and says what stands in the way", async () => {
  const paused = await make.sequence([0, 3], { status: "paused" });

  const { results } = await planned(paused, { contacts: [{ email: "new@example.com" }] });

  expect(results).toMatchObject([{ basis: "hypothetical", obstacle: { code: "sequence_not_active" } }]);
  expect(timesOf(results[0])).toEqual(at10.slice(0, 2));
});

test("whoever opted out is told apart: enrolled, nothing is sent any more; not enrolled, enrolling is refused", async () => {
  const [sequence, inside, outside] = [await make.sequence(), await make.contact(), await make.contact()];
  await make.enroll({ sequence_id: sequence.id, contact_id: inside.id });
  await api.database.query("update contact set opted_out_at = now() where id = any($1)", [[inside.id, outside.id]]);

  const { results } = await planned(sequence, { contacts: [{ contact_id: inside.id }, { contact_id: outside.id }] });

  expect(results).toMatchObject([
    { basis: "enrolled", obstacle: { code: "contact_opted_out" }, sends: [] },
    { basis: "hypothetical", obstacle: { code: "contact_opted_out" } },
  ]);
});

test("whoever has been through the sequence, or whose address is suppressed, could not be enrolled", async () => {
  const [sequence, ended] = [await make.sequence(), await make.contact()];
  const enrollment = await make.enroll({ sequence_id: sequence.id, contact_id: ended.id });
  await api.post(`/api/v1/sequence-enrollments/${enrollment.id}/unenroll/`, { status: "cancelled" });
  await api.database.query(
    "insert into suppression (id, email, reason) values (gen_random_uuid(), 'blocked@example.com', 'manual')",
  );

  const { results } = await planned(sequence, {
    contacts: [{ contact_id: ended.id }, { email: "Blocked@example.com" }],
  });

  expect(results).toMatchObject([
    { contact: ended.id, basis: "hypothetical", obstacle: { code: "already_enrolled" } },
    { contact: null, basis: "hypothetical", obstacle: { code: "contact_suppressed" } },
  ]);
});

test("zones: a known contact's own, else those given, the company's after the contact's", async () => {
  const schedule = await make.schedule({
    windows: [1, 2, 3, 4, 5, 6, 7].map((weekday) => ({ weekday, start: "09:00", end: "17:00" })),
    uses_contact_timezone: true,
    spread_minutes: 0,
  });
  const sequence = await make.sequence([0], { schedule: schedule.id });
  const company = await make.company({ timezone: "Europe/Berlin" });
  const own = await make.contact({ timezone: "Asia/Tokyo" });
  const ofCompany = await make.contact({ company: company.id });

  const { results } = await planned(sequence, {
    contacts: [
      { email: own.email, timezone: "UTC" },
      { contact_id: ofCompany.id },
      { email: "a@example.com", timezone: "America/New_York" },
      { email: "b@example.com", company_timezone: "Europe/Paris" },
      { email: "c@example.com" },
    ],
  });

  expect(results.map(({ sends }: { sends: Record<string, string>[] }) => sends[0])).toMatchObject([
    { timezone: "Asia/Tokyo", timezone_source: "contact", local_time: "2026-11-23T12:00:00" },
    { timezone: "Europe/Berlin", timezone_source: "company", local_time: "2026-11-23T09:00:00" },
    { timezone: "America/New_York", timezone_source: "contact", local_time: "2026-11-23T09:00:00" },
    { timezone: "Europe/Paris", timezone_source: "company", local_time: "2026-11-23T09:00:00" },
    { timezone: "UTC", timezone_source: "schedule", local_time: "2026-11-23T09:00:00" },
  ]);
});

test("a CSV is planned row by row; what cannot be used is reported with its line, and stops nobody else", async () => {
  const [sequence, contact] = [await make.sequence([0]), await make.contact()];
  const csv = `\uFEFFemail;timezone;notes\r\n${contact.email};;"two\r\nlines; and more"\r\nnobody;UTC;\r\na@example.com;Mars/Base;\r\nb@example.com;Europe/Berlin;x\r\n`;

  const { results, errors } = await planned(sequence, { csv });

  expect(results).toMatchObject([
    { email: contact.email, contact: contact.id },
    { email: "b@example.com", contact: null },
  ]);
  expect(errors).toEqual([
    { line: 4, message: expect.stringContaining('"nobody" is not an email address') },
    { line: 5, message: expect.stringContaining("Mars/Base") },
  ]);
});

test("a CSV that cannot be read, or with more than a thousand rows, is refused with its place", async () => {
  const sequence = await make.sequence([0]);
  for (const csv of ["name\nAnn\n", "", `email\n${"a@example.com\n".repeat(1_001)}`]) {
    const { errors } = expectProblem(await plan(sequence, { csv }), 422, "validation_failed");
    expect(errors).toMatchObject([{ pointer: "/csv" }]);
  }
});

test.each([
  ["nobody", {}, "/contact_id"],
  ["two kinds of people", { contact_id: nobody, csv: "email" }, "/contact_id"],
  ["an empty list", { contacts: [] }, "/contacts"],
  ["a person without a name", { contacts: [{ timezone: "UTC" }] }, "/contacts/0"],
  [
    "a zone that does not exist",
    { contacts: [{ email: "a@example.com", timezone: "Mars/Base" }] },
    "/contacts/0/timezone",
  ],
  ["a moment that is none", { contact_id: nobody, now: "tomorrow" }, "/now"],
  ["an unknown contact", { contact_id: nobody }, "/contact_id"],
  [
    "an unknown contact in a list",
    { contacts: [{ email: "a@example.com" }, { contact_id: nobody }] },
    "/contacts/1/contact_id",
  ],
])("%s is refused, with its place", async (_, body, pointer) => {
  const { errors } = expectProblem(await plan(await make.sequence([0]), body), 422, "validation_failed");
  expect(errors.map((place: { pointer: string }) => place.pointer)).toContain(pointer);
});

test("an unknown sequence is 404, and a draft that nobody builds 409", async () => {
  expectProblem(await plan({ id: nobody }, { contacts: [{ email: "a@example.com" }] }), 404, "not_found");
  const sequence = await make.sequence([0]);
  const body = { contacts: [{ email: "a@example.com" }], version: "draft" };
  expectProblem(await plan(sequence, body), 409, "no_draft");
});

test("the steps of a draft can be planned before it is published", async () => {
  const sequence = await make.sequence([0]);
  await api.database.query(
    `with draft as (
       insert into sequence_version (id, sequence_id, version_number, created_at) values (gen_random_uuid(), $1, 2, now()) returning id
     )
     insert into sequence_step (id, version_id, step_key, step_number, name, template_id, delay_value, delay_unit)
     select gen_random_uuid(), draft.id, gen_random_uuid(), 1, 'In the draft', $2, 1, 'days' from draft`,
    [sequence.id, sequence.steps[0].email_template],
  );

  const { results } = await planned(sequence, { contacts: [{ email: "a@example.com" }], version: "draft" });

  expect(results[0].sends).toMatchObject([{ step_name: "In the draft", due_at: "2026-11-24T03:00:00.000Z" }]);
});

test("nothing is written: no row in any table, not even with an Idempotency-Key", async () => {
  const [sequence, contact] = [await make.sequence(), await make.contact()];
  await make.enroll({ sequence_id: sequence.id, contact_id: contact.id });
  const before = await rowCounts();

  const body = { contacts: [{ contact_id: contact.id }, { email: "new@example.com" }] };
  const answer = await api.send("POST", `/api/v1/email-sequences/${sequence.id}/plan/`, {
    body,
    headers: { "idempotency-key": "plan-1" },
  });

  expect(answer.status).toBe(200);
  expect(answer.headers.get("idempotency-replayed")).toBeNull();
  expect(await rowCounts()).toEqual(before);
  expect(before.step_execution).toBeGreaterThan(0);
});

test("with compressed time the answer says how long a day lasts", async () => {
  const quick = await startApi(url, { pace: { dayMilliseconds: 5_000 } });
  const sequence = await make.sequence([0, 3]);

  const { body } = await quick.post(`/api/v1/email-sequences/${sequence.id}/plan/`, {
    contacts: [{ email: "new@example.com" }],
  });

  expect(body.pace_day_milliseconds).toBe(5_000);
  expect(body.results[0].sends[1].due_at).toBe("2026-11-23T03:00:15.000Z");
});
