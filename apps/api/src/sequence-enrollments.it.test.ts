import { isSomebodyWaiting } from "@dripline/db/testing/executions";
import { unsubscribeToken } from "@dripline/mail/unsubscribe-token";
import { freshDatabase } from "@dripline/testkit/database";
import { waitFor } from "@dripline/testkit/wait-for";
import { describe, expect, test } from "vitest";
import { expectProblem, makers, nobody } from "./testing/make.ts";
import { startApi, testNow, testSecret } from "./testing/start-api.ts";

const { url, pool } = await freshDatabase();
let now = testNow;
const api = await startApi(url, { now: () => now });
const make = makers(api);

const list = "/api/v1/sequence-enrollments/";
const path = (id: string, rest = "") => `${list}${id}/${rest}`;
const read = async (id: string) => (await api.get(path(id))).body;
const put = (id: string, body: object, headers: Record<string, string> = {}) =>
  api.send("PUT", path(id), { body, headers });
const patch = (id: string, body: object, headers: Record<string, string> = {}) =>
  api.send("PATCH", path(id), { body, headers });
const remove = (id: string, headers: Record<string, string> = {}) => api.send("DELETE", path(id), { headers });
const unenroll = (id: string, body: object = {}) => api.post(path(id, "unenroll/"), body);
const setStatus = (enrollmentId: string, status: string, fields = "") =>
  pool.query(`update step_execution set status = $2 ${fields} where enrollment_id = $1`, [enrollmentId, status]);

async function enrolled(fields: object = {}) {
  const [sequence, contact] = [await make.sequence(), await make.contact()];
  return make.enroll({ sequence_id: sequence.id, contact_id: contact.id, ...fields });
}

async function ended() {
  const { id } = await enrolled();
  return (await unenroll(id)).body;
}

describe("a POST to the list", () => {
  test("enrolls as `enroll` does, and is refused as it is", async () => {
    const [sequence, contact] = [await make.sequence(), await make.contact()];
    const body = { sequence_id: sequence.id, contact_id: contact.id, notes: "Asked for it" };

    const created = await api.post(list, body);

    expect(created.status).toBe(201);
    expect(created.headers.get("etag")).toBe('"1"');
    expect(created.body).toMatchObject({
      sequence: sequence.id,
      contact: contact.id,
      notes: "Asked for it",
      revision: 1,
      step_executions: [{ status: "scheduled", scheduled_for: testNow.toISOString() }],
    });
    expect(expectProblem(await api.post(list, body), 409, "already_enrolled").enrollment_id).toBe(created.body.id);
  });

  const refusals: [string, () => Promise<object>, number, string][] = [
    [
      "into a paused sequence",
      async () => ({
        sequence_id: (await make.sequence([0], { status: "paused" })).id,
        contact_id: (await make.contact()).id,
      }),
      422,
      "sequence_not_active",
    ],
    [
      "into a sequence without steps",
      async () => ({
        sequence_id: (await make.sequence([0], { steps: [] })).id,
        contact_id: (await make.contact()).id,
      }),
      422,
      "sequence_without_steps",
    ],
    [
      "of a contact who has opted out",
      async () => {
        const { id } = await make.contact();
        await pool.query("update contact set opted_out_at = now() where id = $1", [id]);
        return { sequence_id: (await make.sequence()).id, contact_id: id };
      },
      422,
      "contact_opted_out",
    ],
    [
      "of a contact who is suppressed",
      async () => {
        const { id, email } = await make.contact();
        await pool.query("insert into suppression (id, email, reason) values (gen_random_uuid(), $1, 'manual')", [
          email,
        ]);
        return { sequence_id: (await make.sequence()).id, contact_id: id };
      },
      422,
      "contact_suppressed",
    ],
    [
      "of a contact whose cool-down is not over",
      async () => {
        const cooldown = { re_enrollment: "after_end", re_enrollment_cooldown: { value: 2, unit: "days" } };
        const [sequence, contact] = [await make.sequence([0], cooldown), await make.contact()];
        const body = { sequence_id: sequence.id, contact_id: contact.id };
        await unenroll((await make.enroll(body)).id);
        return body;
      },
      409,
      "re_enrollment_too_soon",
    ],
    ["into nothing", async () => ({ sequence_id: nobody, contact_id: nobody }), 422, "validation_failed"],
    ["of nobody", async () => ({ sequence_id: nobody }), 422, "validation_failed"],
  ];
  test.each(refusals)("%s is refused", async (_, bodyOf, status, code) => {
    expectProblem(await api.post(list, await bodyOf()), status, code);
  });

  test("gives one enrollment for one Idempotency-Key", async () => {
    const body = { sequence_id: (await make.sequence()).id, contact_id: (await make.contact()).id };
    const send = () => api.post(list, body, { "idempotency-key": "one enrollment" });

    const [first, second] = [await send(), await send()];

    expect(second.body).toEqual(first.body);
    expect(second.status).toBe(201);
  });
});

describe("notes and company of an enrollment", () => {
  test("are changed one by one, or replaced together; all else is left alone", async () => {
    const company = await make.company();
    const before = await enrolled({ notes: "Old" });

    const changed = await patch(before.id, { company: company.id });
    expect(changed.status).toBe(200);
    expect(changed.headers.get("etag")).toBe('"2"');
    expect(changed.body).toEqual({ ...before, company: company.id, company_name: company.name, revision: 2 });
    expect((await patch(before.id, { notes: "New" })).body).toMatchObject({ notes: "New", company: company.id });
    const replaced = await put(before.id, { notes: "Newer" });
    expect(replaced.body).toEqual({ ...before, notes: "Newer", revision: 4 });
    expect((await put(before.id, {})).body).toMatchObject({ notes: "", company: null });
    expect((await read(before.id)).revision).toBe(5);
  });

  test.each<[string, object, string]>([
    ["a company that there is not", { company: nobody }, "/company"],
    ["a status", { notes: "x", status: "completed" }, "/status"],
    ["notes that are too long", { notes: "n".repeat(10_001) }, "/notes"],
  ])("are not changed by %s", async (_, body, pointer) => {
    const before = await enrolled();

    for (const answer of [await put(before.id, body), await patch(before.id, body)]) {
      expect(expectProblem(answer, 422, "validation_failed").errors).toMatchObject([{ pointer }]);
    }
    expect(await read(before.id)).toEqual(before);
  });

  test("are not changed by nothing, and not of nobody", async () => {
    const { id } = await enrolled();

    expectProblem(await patch(id, {}), 422, "validation_failed");
    expectProblem(await patch(nobody, { notes: "x" }), 404, "not_found");
    expectProblem(await put(nobody, { notes: "x" }), 404, "not_found");
  });

  test.each([
    ["pausing", (id: string) => api.post(path(id, "pause/"), {})],
    ["unenrolling", (id: string) => unenroll(id)],
    ["completing", (id: string) => api.post(path(id, "complete/"), {})],
  ])("are not written over the line that %s has left since they were read", async (_, act) => {
    const { id } = await enrolled({ notes: "First" });
    const etag = (await api.get(path(id))).headers.get("etag") ?? "";
    await act(id);
    const before = await read(id);

    for (const edit of [put, patch]) {
      const answer = await edit(id, { notes: "First, corrected" }, { "if-match": etag });
      expect(expectProblem(answer, 412, "precondition_failed").revision).toBe(before.revision);
    }
    expectProblem(await remove(id, { "if-match": etag }), 412, "precondition_failed");
    expect(await read(id)).toEqual(before);
    expectProblem(await patch(id, { notes: "x" }, { "if-match": "1" }), 400, "invalid_header");
  });

  test("are changed by one of several at once that read the same", async () => {
    const { id } = await enrolled();

    const answers = await Promise.all(["a", "b", "c"].map((notes) => patch(id, { notes }, { "if-match": '"1"' })));

    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412]);
  });
});

describe("an enrollment that has ended is deleted", () => {
  test("with its executions and their events; the email log stays, and the contact can be enrolled anew", async () => {
    const [gone, other] = [await ended(), await ended()];
    const [execution] = gone.step_executions;
    await pool.query(
      `insert into email_log (id, execution_id, contact_id, message_id, from_address, to_address, subject, variables, outcome, sent_at)
       values (gen_random_uuid(), $1, $2, '<m@example.com>', 'a@example.com', 'b@example.com', 's', '{}', 'accepted', now())`,
      [execution.id, gone.contact],
    );

    const answer = await remove(gone.id, { "if-match": `"${gone.revision}"` });

    expect(answer.status).toBe(204);
    expect(answer.body).toBe("");
    expectProblem(await api.get(path(gone.id)), 404, "not_found");
    expectProblem(await api.get(`/api/v1/sequence-executions/${execution.id}/`), 404, "not_found");
    expectProblem(await remove(gone.id), 404, "not_found");
    const count = async (table: string) =>
      (await pool.query(`select from ${table} where execution_id = $1`, [execution.id])).rowCount;
    expect([await count("execution_event"), await count("email_log")]).toEqual([0, 1]);
    expect(await read(other.id)).toEqual(other);
    expect((await api.post(list, { sequence_id: gone.sequence, contact_id: gone.contact })).status).toBe(201);
  });

  test("and the unsubscribe link in what it had sent still opts the contact out", async () => {
    const gone = await ended();
    const [{ id: executionId }] = gone.step_executions;
    await pool.query(
      `insert into email_log (id, execution_id, contact_id, message_id, from_address, to_address, subject, variables, outcome, sent_at)
       values (gen_random_uuid(), $1, $2, '<m@example.com>', 'a@example.com', 'b@example.com', 's', '{}', 'accepted', now())`,
      [executionId, gone.contact],
    );
    await remove(gone.id);

    await api.send("POST", `/u/${unsubscribeToken(executionId, testSecret)}`, { key: null });

    expect((await api.get(`/api/v1/contacts/${gone.contact}/`)).body.opted_out_at).toBe(testNow.toISOString());
  });

  test.each(["active", "paused"])("but not while it is %s", async (status) => {
    const { id } = await enrolled();
    if (status === "paused") await api.post(path(id, "pause/"), {});
    const before = await read(id);

    const problem = expectProblem(await remove(id), 409, "enrollment_live");

    expect(problem).toMatchObject({
      enrollment_status: status,
      open_executions: [before.step_executions[0].id],
    });
    expect(problem.detail).toContain("unenroll");
    expect(await read(id)).toEqual(before);
  });

  test.each([
    ["sending", ", phase = 'data', lease_until = now()"],
    ["in_doubt", ""],
    ["scheduled", ", has_advanced = true"],
  ])("but not while an email of it is %s: nobody could record what becomes of that", async (status, fields) => {
    const { id, step_executions: executions } = await ended();
    await setStatus(id, status, fields);
    const before = await read(id);

    const problem = expectProblem(await remove(id), 409, "enrollment_live");

    expect(problem).toMatchObject({ enrollment_status: "cancelled", open_executions: [executions[0].id] });
    expect(await read(id)).toEqual(before);
  });

  test.each(["sent", "failed", "skipped"])("when its emails are %s", async (status) => {
    const { id } = await ended();
    await setStatus(id, status);

    expect((await remove(id)).status).toBe(204);
  });

  test("by one of several requests at once; the others find nothing", async () => {
    const { id } = await ended();

    const answers = await Promise.all([remove(id), remove(id), remove(id)]);

    expect(answers.map(({ status }) => status).sort()).toEqual([204, 404, 404]);
  });

  test("not while an operator is just letting an email of it go out again: that is waited for", async () => {
    const { id } = await ended();
    await setStatus(id, "failed");
    const operator = await pool.connect();
    await operator.query("begin");
    await operator.query("update step_execution set status = 'scheduled' where enrollment_id = $1", [id]);
    const removed = remove(id);
    await waitFor(() => isSomebodyWaiting(pool), { timeoutMilliseconds: 10_000, describe: "the deletion waits" });
    await operator.query("commit");
    operator.release();

    expectProblem(await removed, 409, "enrollment_live");
  });
});

describe("the list by the time of enrolling", async () => {
  const at = (minutes: number) => new Date(testNow.getTime() + minutes * 60_000).toISOString();
  const sequence = await make.sequence();
  for (const minutes of [1, 2, 3]) {
    now = new Date(at(minutes));
    await make.enroll({ sequence_id: sequence.id, contact_id: (await make.contact()).id });
  }
  now = testNow;
  const found = async (query: string) =>
    (await api.get(`${list}?sequence=${sequence.id}&${query}`)).body.results.map(
      (row: { enrolled_at: string }) => row.enrolled_at,
    );

  test.each([
    [`enrolled_at__gte=${at(2)}`, [3, 2]],
    [`enrolled_at__gt=${at(2)}`, [3]],
    [`enrolled_at__lte=${at(2)}`, [2, 1]],
    [`enrolled_at__lt=${at(2)}`, [1]],
    [`enrolled_at__gte=${at(2)}&enrolled_at__lt=${at(3)}`, [2]],
    [`enrolled_at__gt=${at(3)}`, []],
    [`enrolled_at__gte=${encodeURIComponent("2026-11-23T10:03:00+07:00")}`, [3]],
  ])("%s", async (query, minutes) => {
    expect(await found(query)).toEqual(minutes.map(at));
  });

  test("keeps to its bounds on every page, and counts them", async () => {
    const first = await api.get(
      `${list}?sequence=${sequence.id}&enrolled_at__gte=${at(2)}&page_size=1&include_count=true`,
    );
    expect(first.body).toMatchObject({ count: 2, results: [{ enrolled_at: at(3) }] });

    const { pathname, search } = new URL(first.body.next);
    const second = await api.get(`${pathname}${search}`);

    expect(second.body).toMatchObject({ count: 2, next: null, results: [{ enrolled_at: at(2) }] });
  });

  test.each(["enrolled_at__gte=yesterday", "enrolled_at__after=2026-01-01T00:00:00Z", "enrolled_at__gte="])(
    "refuses %s",
    async (query) => {
      expectProblem(await api.get(`${list}?${query}`), 400, "invalid_query");
    },
  );
});
