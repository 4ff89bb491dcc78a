import { isSomebodyWaiting } from "@dripline/db/testing/executions";
import { freshDatabase } from "@dripline/testkit/database";
import { waitFor } from "@dripline/testkit/wait-for";
import { describe, expect, test } from "vitest";
import { expectProblem, makers, nobody } from "./testing/make.ts";
import { startApi } from "./testing/start-api.ts";

const { url, pool } = await freshDatabase();
const api = await startApi(url);
const make = makers(api);

const path = (id: string, rest = "") => `/api/v1/email-sequences/${id}/${rest}`;
const read = async (id: string) => (await api.get(path(id))).body;
const put = (id: string, body: object, headers: Record<string, string> = {}) =>
  api.send("PUT", path(id), { body, headers });
const patch = (id: string, body: object) => api.send("PATCH", path(id), { body });
const remove = (id: string, headers: Record<string, string> = {}) => api.send("DELETE", path(id), { headers });

async function inUse() {
  const sequence = await make.sequence();
  const enrollment = await make.enroll({ sequence_id: sequence.id, contact_id: (await make.contact()).id });
  return { ...sequence, enrollment };
}

/** Steps as a caller sends back what it has read. */
function asSent(steps: readonly Record<string, unknown>[]) {
  return steps.map(({ id, step_number, name, email_template, delay, max_lateness, late_policy, is_active }) => ({
    ...{ id, step_number, name, email_template, delay, max_lateness, late_policy, is_active },
  }));
}

describe("a sequence is replaced:", () => {
  test("what is left out gets its default, but status and steps stay", async () => {
    const schedule = await make.schedule();
    const sequence = await make.sequence([0, 3], {
      description: "Old",
      schedule: schedule.id,
      in_doubt_policy: "hold",
      sends_per_day_max: 50,
      re_enrollment: "after_end",
      re_enrollment_cooldown: { value: 3, unit: "days" },
      status: "paused",
    });

    const { status, body, headers } = await put(sequence.id, { name: "New" });

    expect(status).toBe(200);
    expect(body).toMatchObject({
      name: "New",
      description: "",
      status: "paused",
      in_doubt_policy: "advance",
      sends_per_day_max: null,
      re_enrollment: "never",
      re_enrollment_cooldown: null,
      total_steps: 2,
      revision: 2,
    });
    expect(body.schedule).not.toBe(schedule.id);
    expect(body.steps).toEqual(sequence.steps);
    expect(headers.get("etag")).toBe('"2"');
  });

  test("its steps in place, as long as nobody was ever enrolled", async () => {
    const sequence = await make.sequence([0, 3]);
    const [first, second] = asSent(sequence.steps);
    const added = { step_number: 5, name: "Added", email_template: first?.email_template, delay_days: 9 };

    const { body } = await put(sequence.id, {
      name: "New",
      steps: [{ ...second, step_number: 1 }, added, { ...first, step_number: 2, name: "Renamed" }],
    });

    expect(body).toMatchObject({ version: 1, has_unpublished_changes: false });
    expect(body.steps).toMatchObject([
      { id: second?.id, step_number: 1 },
      { id: first?.id, step_number: 2, name: "Renamed" },
      { step_number: 5, name: "Added", delay_days: 9 },
    ]);
  });

  test("its steps in a draft once somebody is enrolled, its own fields at once", async () => {
    const sequence = await inUse();
    const [first] = asSent(sequence.steps);

    const { body } = await put(sequence.id, { name: "New", steps: [{ ...first, name: "Renamed" }] });

    expect(body).toMatchObject({ name: "New", version: 1, has_unpublished_changes: true, total_steps: 3 });
    const draft = await api.get(path(sequence.id, "draft/"));
    expect(draft.body.steps).toMatchObject([{ name: "Renamed", step_number: 1 }]);
  });

  test("steps as they were read open no draft, and leave one that there is alone", async () => {
    const sequence = await inUse();
    const steps = asSent(sequence.steps);

    expect((await put(sequence.id, { name: "New", steps })).body.has_unpublished_changes).toBe(false);
    await api.send("DELETE", `/api/v1/sequence-steps/${sequence.steps[0].id}/`);
    await put(sequence.id, { name: "Newer", steps });

    expect((await api.get(path(sequence.id, "draft/"))).body.total_steps).toBe(2);
  });

  test.each<[string, (steps: ReturnType<typeof asSent>) => object, string]>([
    ["a step of nowhere", ([a]) => ({ steps: [{ ...a, id: nobody }] }), "/steps/0/id"],
    ["one step twice", ([a]) => ({ steps: [a, { ...a, step_number: 2 }] }), "/steps/1/id"],
    ["one number twice", ([a, b]) => ({ steps: [a, { ...b, step_number: 1 }] }), "/steps/1/step_number"],
    ["an unknown template", ([a]) => ({ steps: [{ ...a, email_template: nobody }] }), "/steps/0/email_template"],
    ["an unknown schedule", () => ({ schedule: nobody }), "/schedule"],
    ["no name", () => ({ name: undefined }), "/name"],
  ])("not with %s, and then nothing of it is written", async (_, bodyOf, pointer) => {
    const sequence = await inUse();
    const before = await read(sequence.id);

    const answer = await put(sequence.id, { name: "New", ...bodyOf(asSent(sequence.steps)) });

    expect(expectProblem(answer, 422, "validation_failed").errors).toMatchObject([{ pointer }]);
    expect(await read(sequence.id)).toEqual(before);
  });

  test("not if it is another revision by now, and not if there is none", async () => {
    const sequence = await make.sequence();

    expectProblem(await put(sequence.id, { name: "New" }, { "if-match": '"7"' }), 412, "precondition_failed");
    expectProblem(await put(sequence.id, { name: "New" }, { "if-match": "7" }), 400, "invalid_header");
    expectProblem(await put(nobody, { name: "New" }), 404, "not_found");
    expect(await read(sequence.id)).toEqual(sequence);
  });
});

describe.each([
  ["PUT", (id: string, status: string) => put(id, { name: "New", status })],
  ["PATCH", (id: string, status: string) => patch(id, { status })],
])("a status in a %s", (_, change) => {
  test("pauses, resumes and archives as the operations of that name do", async () => {
    const { id, enrollment } = await inUse();
    const standing = async () => (await api.get(`/api/v1/sequence-enrollments/${enrollment.id}/`)).body;

    expect((await change(id, "paused")).body).toMatchObject({ status: "paused" });
    expect(await standing()).toMatchObject({ step_executions: [{ hold_reason: "sequence_paused" }] });
    expect((await change(id, "active")).body).toMatchObject({ status: "active" });
    expect(await standing()).toMatchObject({ step_executions: [{ status: "scheduled" }] });
    expect((await change(id, "active")).status).toBe(200);
    expect((await change(id, "archived")).body).toMatchObject({ status: "archived" });
    expect(await standing()).toMatchObject({ status: "cancelled", end_reason: "sequence_archived" });
  });

  test("does not pause what is archived, and then nothing else is written either", async () => {
    const { id } = await make.sequence([0], { status: "archived" });
    const before = await read(id);

    expect(expectProblem(await change(id, "paused"), 409, "sequence_archived").sequence_status).toBe("archived");
    expect(await read(id)).toEqual(before);
  });
});

describe("a sequence is deleted", () => {
  test("with its versions and steps, if nobody was ever enrolled", async () => {
    const [sequence, other] = [await make.sequence(), await make.sequence()];

    const answer = await remove(sequence.id, { "if-match": '"1"' });

    expect(answer.status).toBe(204);
    expect(answer.body).toBe("");
    expectProblem(await api.get(path(sequence.id)), 404, "not_found");
    expectProblem(await api.get(`/api/v1/sequence-steps/${sequence.steps[0].id}/`), 404, "not_found");
    expectProblem(await remove(sequence.id), 404, "not_found");
    expect(await read(other.id)).toEqual(other);
  });

  test.each(["live", "ended"])("but not with an enrollment, even if that is %s", async (how) => {
    const { id, enrollment } = await inUse();
    if (how === "ended") await api.post(`/api/v1/sequence-enrollments/${enrollment.id}/unenroll/`, {});
    const before = await read(id);

    const problem = expectProblem(await remove(id), 409, "in_use");

    expect(problem.detail).toContain("archive it instead");
    expect(problem.used_by).toEqual(["sequence-enrollments"]);
    expect(await read(id)).toEqual(before);
  });

  test("but not as another revision", async () => {
    const sequence = await make.sequence();

    expectProblem(await remove(sequence.id, { "if-match": '"2"' }), 412, "precondition_failed");
    expect(await read(sequence.id)).toEqual(sequence);
  });

  test("by one of several requests at once; the others find nothing", async () => {
    const { id } = await make.sequence();

    const answers = await Promise.all([remove(id), remove(id), remove(id)]);

    expect(answers.map(({ status }) => status).sort()).toEqual([204, 404, 404]);
  });

  test("not under somebody who is being enrolled: the deletion waits, and finds them", async () => {
    const [sequence, contact] = [await make.sequence(), await make.contact()];
    const enrolling = await pool.connect();
    await enrolling.query("begin");
    await enrolling.query("select from email_sequence where id = $1 for share", [sequence.id]);
    await enrolling.query(
      `insert into sequence_enrollment (id, sequence_id, version_id, contact_id, status, enrolled_at)
       select gen_random_uuid(), $1, v.id, $2, 'active', now() from sequence_version v where v.sequence_id = $1`,
      [sequence.id, contact.id],
    );
    const removed = remove(sequence.id);
    await waitFor(() => isSomebodyWaiting(pool), { timeoutMilliseconds: 10_000, describe: "the deletion waits" });
    await enrolling.query("commit");
    enrolling.release();

    expectProblem(await removed, 409, "in_use");
  });
});

describe("a copy of a sequence", () => {
  test("has everything but the people, and is paused", async () => {
    const schedule = await make.schedule();
    const settings = {
      description: "What it is for",
      schedule: schedule.id,
      in_doubt_policy: "resend",
      sends_per_day_max: 20,
      re_enrollment: "after_end",
      re_enrollment_cooldown: { value: 3, unit: "days" },
    };
    const sequence = await make.sequence([0, 3], settings);
    await make.enroll({ sequence_id: sequence.id, contact_id: (await make.contact()).id });

    const { status, body } = await api.post(path(sequence.id, "duplicate/"), { name: "Second try" });

    expect(status).toBe(201);
    expect(body).toMatchObject({
      ...settings,
      name: "Second try",
      status: "paused",
      version: 1,
      total_steps: 2,
      active_enrollments: 0,
      has_unpublished_changes: false,
      revision: 1,
    });
    const content = ({
      id: _,
      sequence: _sequence,
      created_at: _at,
      updated_at: _updated,
      ...step
    }: { id: string } & Record<string, unknown>) => step;
    expect(body.steps.map(content)).toEqual(sequence.steps.map(content));
    expect(body.steps[0].id).not.toBe(sequence.steps[0].id);
    expect((await read(sequence.id)).active_enrollments).toBe(1);
  });

  test("has the steps of the current version, not of the draft", async () => {
    const sequence = await make.draft([0, 1]);

    const { body } = await api.post(path(sequence.id, "duplicate/"), {});

    expect(body).toMatchObject({ name: `${sequence.name} (copy)`, total_steps: 2 });
  });

  test("has a name that is not too long, however long the original's is", async () => {
    const sequence = await make.sequence([0], { name: "n".repeat(200) });

    const { body } = await api.post(path(sequence.id, "duplicate/"), {});

    expect(body.name).toMatch(/^n{193} \(copy\)$/);
    expect(body.name).toHaveLength(200);
  });

  test("needs an original and a name that is one", async () => {
    const sequence = await make.sequence();

    expectProblem(await api.post(path(nobody, "duplicate/"), {}), 404, "not_found");
    expectProblem(await api.post(path(sequence.id, "duplicate/"), { name: "" }), 422, "validation_failed");
  });

  test("is made once for one Idempotency-Key", async () => {
    const sequence = await make.sequence();
    const duplicate = () => api.post(path(sequence.id, "duplicate/"), {}, { "idempotency-key": "a copy" });

    const [first, second] = [await duplicate(), await duplicate()];

    expect(second.body).toEqual(first.body);
    expect(second.headers.get("idempotency-replayed")).toBe("true");
  });
});

test("a sequence says who made it, and is found by name, description and status", async () => {
  const sequence = await make.sequence([0], { name: "Springtime", description: "For the 100% discount" });
  await make.sequence([0], { name: "Springtime too", status: "archived" });
  const list = async (query: string) =>
    (await api.get(`/api/v1/email-sequences/?${query}`)).body.results.map(({ id }: { id: string }) => id);

  expect(sequence).toMatchObject({ created_by: null, created_by_name: null, total_steps: 1, active_enrollments: 0 });
  expect(await list("search=springTIME&status=active")).toEqual([sequence.id]);
  expect(await list("search=100%25+discount")).toEqual([sequence.id]);
  expect(await list("search=springtime")).toHaveLength(2);
});
