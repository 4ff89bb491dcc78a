import { openWakeQueue } from "@dripline/queue/open-wake-queue";
import { freshDatabase } from "@dripline/testkit/database";
import { describe, expect, test } from "vitest";
import { expectProblem, makers, nobody } from "./testing/make.ts";
import { startApi, testNow } from "./testing/start-api.ts";

const { url } = await freshDatabase();
const api = await startApi(url);
const make = makers(api);
const enroll = (body: object, headers?: Record<string, string>) =>
  api.post("/api/v1/sequence-enrollments/enroll/", body, headers);

test("enrolling a contact plans the first step and shows it", async () => {
  const sequence = await make.sequence();
  const contact = await make.contact({ first_name: "Ann", last_name: "Lee" });

  const { status, body } = await enroll({ sequence_id: sequence.id, contact_id: contact.id, notes: "Asked for it" });

  expect(status).toBe(201);
  expect(body).toMatchObject({
    sequence: sequence.id,
    sequence_name: sequence.name,
    contact: contact.id,
    contact_name: "Ann Lee",
    contact_email: contact.email,
    company: null,
    company_name: null,
    status: "active",
    progress: "0/3 (0.0%)",
    current_step_number: 0,
    enrolled_at: testNow.toISOString(),
    started_at: null,
    completed_at: null,
    notes: "Asked for it",
    step_executions: [
      {
        step_name: "Step 1",
        step_number: 1,
        status: "scheduled",
        contact_email: contact.email,
        scheduled_for: testNow.toISOString(),
        sent_at: null,
        attempt_count: 0,
      },
    ],
  });
  expect((await api.get(`/api/v1/sequence-enrollments/${body.id}/`)).body).toEqual(body);
});

test("a contact can come along: created if the address is new, taken as it is if it is known", async () => {
  const sequence = await make.sequence();
  const other = await make.sequence();

  const first = await enroll({
    sequence_id: sequence.id,
    contact: { email: "Inline@example.com", first_name: "Ina", timezone: "Europe/Berlin", attributes: { plan: "pro" } },
  });
  const second = await enroll({
    sequence_id: other.id,
    contact: { email: "inline@EXAMPLE.com", first_name: "Somebody else" },
  });

  expect([first.status, second.status]).toEqual([201, 201]);
  expect(second.body.contact).toBe(first.body.contact);
  expect((await api.get(`/api/v1/contacts/${first.body.contact}/`)).body).toMatchObject({
    email: "Inline@example.com",
    first_name: "Ina",
    timezone: "Europe/Berlin",
    attributes: { plan: "pro" },
  });
});

test("a refused enrollment leaves no contact behind", async () => {
  const paused = await make.sequence([0], { status: "paused" });

  const answer = await enroll({ sequence_id: paused.id, contact: { email: "ghost@example.com" } });

  expectProblem(answer, 422, "sequence_not_active");
  expect((await api.get("/api/v1/contacts/?email=ghost@example.com")).body.results).toEqual([]);
});

test("the company of the request stands in the enrollment, else the contact's own", async () => {
  const [sequence, own, given] = [await make.sequence(), await make.company(), await make.company()];
  const [ann, bob] = [await make.contact({ company: own.id }), await make.contact({ company: own.id })];

  const asGiven = await make.enroll({ sequence_id: sequence.id, contact_id: ann.id, company_id: given.id });
  const asOwn = await make.enroll({ sequence_id: sequence.id, contact_id: bob.id });

  expect(asGiven).toMatchObject({ company: given.id, company_name: given.name });
  expect(asOwn).toMatchObject({ company: own.id, company_name: own.name });
});

test("a first step that is due outside the window waits for the next opening, and an event says why", async () => {
  const schedule = await make.schedule({ windows: [{ weekday: 3, start: "09:00", end: "17:00" }], spread_minutes: 0 });
  const sequence = await make.sequence([0], { schedule: schedule.id });
  const contact = await make.contact();

  const enrollment = await make.enroll({ sequence_id: sequence.id, contact_id: contact.id });

  const [execution] = enrollment.step_executions;
  expect(execution.scheduled_for).toBe("2026-11-25T09:00:00.000Z"); // the Wednesday after testNow
  const detail = await api.get(`/api/v1/sequence-executions/${execution.id}/`);
  expect(detail.body.events).toMatchObject([{ kind: "deferred", reason: "outside_window" }]);
});

test("whoever is enrolled already is refused, with the enrollment's id", async () => {
  const [sequence, contact] = [await make.sequence(), await make.contact()];
  const enrollment = await make.enroll({ sequence_id: sequence.id, contact_id: contact.id });

  const problem = expectProblem(
    await enroll({ sequence_id: sequence.id, contact_id: contact.id }),
    409,
    "already_enrolled",
  );

  expect(problem.enrollment_id).toBe(enrollment.id);
  expect(problem.enrollment_status).toBe("active");
});

test("of requests that race to enroll one contact exactly one succeeds, and the others name its enrollment", async () => {
  const [sequence, contact] = [await make.sequence(), await make.contact()];

  const answers = await Promise.all(
    Array.from({ length: 8 }, () => enroll({ sequence_id: sequence.id, contact_id: contact.id })),
  );

  const winners = answers.filter(({ status }) => status === 201);
  const losers = answers.filter(({ status }) => status !== 201);
  expect(winners).toHaveLength(1);
  for (const loser of losers) {
    expect(expectProblem(loser, 409, "already_enrolled").enrollment_id).toBe(winners[0]?.body.id);
  }
  const { rows } = await api.database.query("select from sequence_enrollment where contact_id = $1", [contact.id]);
  expect(rows).toHaveLength(1);
});

describe("enrolling again", () => {
  const day = 86_400_000;
  const cooldown = { value: 2, unit: "days" };

  /** Somebody whose enrollment ended so long ago; or, without a status, is not over. */
  async function enrolledBefore(
    fields: object,
    { status, endedAgo = 0 }: { status?: string | undefined; endedAgo?: number },
  ) {
    const [sequence, contact] = [await make.sequence([0, 3], fields), await make.contact()];
    const first = await make.enroll({ sequence_id: sequence.id, contact_id: contact.id });
    if (status !== undefined) {
      const unenrolled = await api.post(`/api/v1/sequence-enrollments/${first.id}/unenroll/`, { status });
      expect(unenrolled.status).toBe(200);
      const endedAt = new Date(testNow.getTime() - endedAgo);
      if (status !== "paused")
        await api.database.query("update sequence_enrollment set ended_at = $2 where id = $1", [first.id, endedAt]);
    }
    return { first, request: { sequence_id: sequence.id, contact_id: contact.id } };
  }

  async function enrollmentsOf({ contact_id }: { contact_id: string }) {
    const { body } = await api.get(`/api/v1/sequence-enrollments/?contact=${contact_id}&ordering=enrolled_at`);
    return body.results.map(({ id, status }: { id: string; status: string }) => ({ id, status }));
  }

  test.each(["cancelled", "unsubscribed"])(
    "is refused for good if the sequence says `never`, also after the enrollment was %s",
    async (status) => {
      const { first, request } = await enrolledBefore({}, { status, endedAgo: 400 * day });

      const problem = expectProblem(await enroll(request), 409, "already_enrolled");

      expect(problem).toMatchObject({ enrollment_id: first.id, enrollment_status: status });
      expect(await enrollmentsOf(request)).toEqual([{ id: first.id, status }]);
    },
  );

  test.each([undefined, "paused"])(
    "is refused under `after_end` while the enrollment is not over (%s)",
    async (status) => {
      const { first, request } = await enrolledBefore({ re_enrollment: "after_end" }, { status });

      const problem = expectProblem(await enroll(request), 409, "already_enrolled");

      expect(problem).toMatchObject({ enrollment_id: first.id, enrollment_status: status ?? "active" });
      expect(await enrollmentsOf(request)).toHaveLength(1);
    },
  );

  test.each(["cancelled", "unsubscribed"])(
    "under `after_end` starts a second enrollment from the first step, and the one that was %s stays as it was",
    async (status) => {
      const { first, request } = await enrolledBefore({ re_enrollment: "after_end" }, { status });
      const before = (await api.get(`/api/v1/sequence-enrollments/${first.id}/`)).body;

      const second = await make.enroll(request);

      expect(second).toMatchObject({ status: "active", progress: "0/2 (0.0%)" });
      expect(second.step_executions).toMatchObject([{ step_number: 1, status: "scheduled" }]);
      expect((await api.get(`/api/v1/sequence-enrollments/${first.id}/`)).body).toEqual(before);
      const both = await enrollmentsOf(request);
      expect(both).toHaveLength(2);
      expect(both).toEqual(
        expect.arrayContaining([
          { id: first.id, status },
          { id: second.id, status: "active" },
        ]),
      );
    },
  );

  test("is refused before the cool-down is over, with the moment from which on it is not", async () => {
    const fields = { re_enrollment: "after_end", re_enrollment_cooldown: cooldown };
    const { first, request } = await enrolledBefore(fields, { status: "cancelled", endedAgo: 2 * day - 1 });

    const problem = expectProblem(await enroll(request), 409, "re_enrollment_too_soon");

    const available_at = new Date(testNow.getTime() + 1).toISOString();
    expect(problem).toMatchObject({ enrollment_id: first.id, available_at });
    expect(problem.detail).toContain(available_at);
    expect(await enrollmentsOf(request)).toHaveLength(1);
  });

  test("succeeds at the moment at which the cool-down is over", async () => {
    const fields = { re_enrollment: "after_end", re_enrollment_cooldown: cooldown };
    const { request } = await enrolledBefore(fields, { status: "cancelled", endedAgo: 2 * day });

    expect((await enroll(request)).status).toBe(201);
  });

  test("a second time makes the new enrollment the one that counts", async () => {
    const { request } = await enrolledBefore({ re_enrollment: "after_end" }, { status: "cancelled" });
    const second = await make.enroll(request);

    const problem = expectProblem(await enroll(request), 409, "already_enrolled");

    expect(problem).toMatchObject({ enrollment_id: second.id, enrollment_status: "active" });
  });

  test("by requests that race: exactly one succeeds, and the others name its enrollment", async () => {
    const { first, request } = await enrolledBefore({ re_enrollment: "after_end" }, { status: "cancelled" });

    const answers = await Promise.all(Array.from({ length: 8 }, () => enroll(request)));

    const winners = answers.filter(({ status }) => status === 201);
    expect(winners).toHaveLength(1);
    for (const loser of answers.filter(({ status }) => status !== 201)) {
      expect(expectProblem(loser, 409, "already_enrolled").enrollment_id).toBe(winners[0]?.body.id);
    }
    expect((await enrollmentsOf(request)).map(({ id }: { id: string }) => id).toSorted()).toEqual(
      [first.id, winners[0]?.body.id].toSorted(),
    );
  });
});

describe("the zone of the first step", () => {
  const everyDay = [1, 2, 3, 4, 5, 6, 7].map((weekday) => ({ weekday, start: "09:00", end: "17:00" }));

  // testNow is 10:00 in Bangkok, 04:00 in Berlin and 22:00 the evening before in New York.
  test.each([
    ["the contact's", "Europe/Berlin", "America/New_York", null, "2026-11-23T08:00:00.000Z", "contact"],
    ["their company's", null, "America/New_York", null, "2026-11-23T14:00:00.000Z", "company"],
    [
      "the company's that the request names",
      null,
      "Europe/Berlin",
      "America/New_York",
      "2026-11-23T14:00:00.000Z",
      "company",
    ],
    [
      "the schedule's, where the company of the request has none",
      null,
      "Europe/Berlin",
      "",
      testNow.toISOString(),
      "schedule",
    ],
    ["the schedule's, where nobody has one", null, null, null, testNow.toISOString(), "schedule"],
  ] as const)("is %s", async (_, contactZone, companyZone, otherZone, scheduledFor, source) => {
    const schedule = await make.schedule({
      timezone: "Asia/Bangkok",
      windows: everyDay,
      spread_minutes: 0,
      uses_contact_timezone: true,
    });
    const sequence = await make.sequence([0], { schedule: schedule.id });
    const company = await make.company({ timezone: companyZone });
    const other = otherZone === null ? null : await make.company({ timezone: otherZone || null });
    const contact = await make.contact({ timezone: contactZone, company: company.id });

    const enrollment = await make.enroll({
      sequence_id: sequence.id,
      contact_id: contact.id,
      ...(other === null ? {} : { company_id: other.id }),
    });

    const [execution] = enrollment.step_executions;
    expect(execution.scheduled_for).toBe(scheduledFor);
    const { rows } = await api.database.query("select timezone, timezone_source from step_execution where id = $1", [
      execution.id,
    ]);
    const zones = { contact: contactZone, company: otherZone || companyZone, schedule: "Asia/Bangkok" };
    expect(rows).toEqual([{ timezone: zones[source], timezone_source: source }]);
  });
});

test.each(["paused", "archived"])("nobody can be enrolled in a sequence that is %s", async (status) => {
  const [sequence, contact] = [await make.sequence([0], { status }), await make.contact()];

  expectProblem(await enroll({ sequence_id: sequence.id, contact_id: contact.id }), 422, "sequence_not_active");
});

test("nobody can be enrolled in a sequence without steps", async () => {
  const [sequence, contact] = [await make.sequence([]), await make.contact()];

  expectProblem(await enroll({ sequence_id: sequence.id, contact_id: contact.id }), 422, "sequence_without_steps");
});

test("a contact who opted out cannot be enrolled", async () => {
  const [sequence, contact] = [await make.sequence(), await make.contact()];
  await api.database.query("update contact set opted_out_at = now() where id = $1", [contact.id]);

  expectProblem(await enroll({ sequence_id: sequence.id, contact_id: contact.id }), 422, "contact_opted_out");
});

test("a suppressed address cannot be enrolled, in whatever letter case", async () => {
  const [sequence, contact] = [await make.sequence(), await make.contact({ email: "Blocked@example.com" })];
  await api.database.query(
    "insert into suppression (id, email, reason) values (gen_random_uuid(), 'blocked@EXAMPLE.com', 'manual')",
  );

  expectProblem(await enroll({ sequence_id: sequence.id, contact_id: contact.id }), 422, "contact_suppressed");
});

test.each([
  ["sequence_id", "sequence"],
  ["contact_id", "contact"],
  ["company_id", "company"],
])("an unknown %s is named", async (field, what) => {
  const [sequence, contact] = [await make.sequence(), await make.contact()];

  const answer = await enroll({ sequence_id: sequence.id, contact_id: contact.id, [field]: nobody });

  expect(expectProblem(answer, 422, "validation_failed").errors).toEqual([
    { pointer: `/${field}`, code: "not_found", detail: `there is no ${what} ${nobody}` },
  ]);
});

test.each([
  ["no contact", {}, "/contact_id"],
  ["two contacts", { contact_id: nobody, contact: { email: "a@example.com" } }, "/contact"],
  ["an address that is none", { contact: { email: "not an address" } }, "/contact/email"],
  ["a zone that does not exist", { contact: { email: "a@example.com", timezone: "Mars/Base" } }, "/contact/timezone"],
  ["an id that is none", { contact_id: "42" }, "/contact_id"],
])("%s is refused, with its place", async (_, fields, pointer) => {
  const answer = await enroll({ sequence_id: nobody, ...fields });

  const { errors } = expectProblem(answer, 422, "validation_failed");
  expect(errors.map((place: { pointer: string }) => place.pointer)).toContain(pointer);
});

test("enrolling wakes the queue after the commit", async () => {
  const [sequence, contact] = [await make.sequence(), await make.contact()];

  const { step_executions } = await make.enroll({ sequence_id: sequence.id, contact_id: contact.id });

  expect(await api.queue.bullQueue().getJob(`x${step_executions[0].id}-0`)).toMatchObject({
    data: { executionId: step_executions[0].id, generation: 0 },
  });
});

test("the queue being down is nobody's trouble: 201, the row is written, and the log says so", async () => {
  const queue = openWakeQueue({
    databaseUrl: "postgres://nobody@127.0.0.1:1/none",
    now: () => testNow,
    role: "producer",
  });
  const lame = await startApi(url, { queue });
  const [sequence, contact] = [await make.sequence(), await make.contact()];

  const answer = await lame.post("/api/v1/sequence-enrollments/enroll/", {
    sequence_id: sequence.id,
    contact_id: contact.id,
  });

  expect(answer.status).toBe(201);
  expect(answer.body.step_executions).toMatchObject([{ status: "scheduled" }]);
  expect(lame.log.join()).toContain("the queue did not take a wake-up");
});

test("the address of the list takes the names that answers have as well", async () => {
  const [sequence, contact, company] = [await make.sequence(), await make.contact(), await make.company()];
  const list = "/api/v1/sequence-enrollments/";

  const answer = await api.post(list, { sequence: sequence.id, contact: contact.id, company: company.id, notes: "Hi" });

  expect(answer.status).toBe(201);
  expect(answer.body).toMatchObject({ sequence: sequence.id, contact: contact.id, company: company.id, notes: "Hi" });
  const withContact = await api.post(list, {
    sequence_id: sequence.id,
    contact: { email: "inline.named@example.com" },
  });
  expect(withContact.body.contact_email).toBe("inline.named@example.com");
  expect(expectProblem(await api.post(list, {}), 422, "validation_failed").errors).toMatchObject([
    { pointer: "/sequence", code: "required" },
    { pointer: "/contact", code: "required" },
  ]);
  const both = { sequence: sequence.id, sequence_id: sequence.id, contact_id: contact.id };
  expect(expectProblem(await api.post(list, both), 422, "validation_failed").errors).toMatchObject([
    { pointer: "/sequence", code: "invalid" },
  ]);
});
