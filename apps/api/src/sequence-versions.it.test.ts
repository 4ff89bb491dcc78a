import { freshDatabase } from "@dripline/testkit/database";
import { describe, expect, test } from "vitest";
import { expectProblem, makers, nobody } from "./testing/make.ts";
import { startApi, testNow } from "./testing/start-api.ts";

const { url, pool } = await freshDatabase();
const api = await startApi(url);
const make = makers(api);

const sequencePath = (id: string, rest = "") => `/api/v1/email-sequences/${id}/${rest}`;
const stepPath = (id: string) => `/api/v1/sequence-steps/${id}/`;
const read = async (id: string) => (await api.get(sequencePath(id))).body;
const patch = (path: string, body: object, headers: Record<string, string> = {}) =>
  api.send("PATCH", path, { body, headers });
const put = (id: string, steps: readonly object[], headers: Record<string, string> = {}) =>
  api.send("PUT", sequencePath(id, "draft/"), { body: { steps }, headers });
const remove = (path: string, headers: Record<string, string> = {}) => api.send("DELETE", path, { headers });
const names = (steps: readonly { step_number: number; name: string }[]) =>
  steps.map(({ step_number: number, name }) => `${number} ${name}`);

/** A sequence of three steps with somebody enrolled in it. */
async function inUse() {
  const [sequence, contact] = [await make.sequence(), await make.contact()];
  const enrollment = await make.enroll({ sequence_id: sequence.id, contact_id: contact.id });
  return { ...sequence, enrollment };
}

describe("while nobody was ever enrolled, steps are edited in place:", () => {
  test("changed, moved to a free number, deleted", async () => {
    const sequence = await make.sequence();
    const [first, second, third] = sequence.steps;

    const changed = await patch(stepPath(first.id), { name: "Hello", delay: { value: 2, unit: "hours" } });
    expect(changed.status).toBe(200);
    expect(changed.body).toMatchObject({
      id: first.id,
      name: "Hello",
      delay: { value: 2, unit: "hours" },
      delay_days: null,
      email_template: first.email_template,
      version: 1,
      is_draft: false,
      revision: 2,
    });
    expect((await patch(stepPath(second.id), { step_number: 9 })).body).toMatchObject({ step_number: 9, revision: 3 });
    const deleted = await remove(stepPath(third.id));
    expect(deleted.status).toBe(204);
    expect(deleted.body).toBe("");
    expect(deleted.headers.get("etag")).toBe('"4"');

    const after = await read(sequence.id);
    expect(names(after.steps)).toEqual(["1 Hello", "9 Step 2"]);
    expect(after).toMatchObject({ version: 1, has_unpublished_changes: false, revision: 4 });
  });

  test("or all at once, and steps that stay are the same ones", async () => {
    const sequence = await make.sequence();
    const [first, , third] = sequence.steps;
    const template = first.email_template;

    const { body } = await put(sequence.id, [
      { id: third.id, name: "Third", email_template: template, delay_days: 0 },
      { name: "New", email_template: template, delay_days: 1 },
      { id: first.id, name: "First", email_template: template, delay_days: 2 },
    ]);

    expect(body).toMatchObject({ id: sequence.id, version: 1, is_draft: false, total_steps: 3, revision: 2 });
    expect(names(body.steps)).toEqual(["1 Third", "2 New", "3 First"]);
    expect([body.steps[0].id, body.steps[2].id]).toEqual([third.id, first.id]);
    expect(body.steps[0].created_at).toBe(third.created_at);
  });
});

describe("once somebody is enrolled, edits go to a draft:", () => {
  test("the first one opens it, the next ones find it, by whatever id the step has", async () => {
    const sequence = await inUse();
    const [first, second, third] = sequence.steps;

    const changed = await patch(stepPath(first.id), { name: "Hello" });
    expect(changed.body).toMatchObject({ name: "Hello", step_number: 1, version: 2, is_draft: true, revision: 2 });
    expect(changed.body.id).not.toBe(first.id);
    expect((await patch(stepPath(first.id), { is_active: false })).body).toMatchObject({
      id: changed.body.id,
      revision: 3,
    });
    expect((await patch(stepPath(changed.body.id), { delay_days: 4 })).body).toMatchObject({ delay_days: 4 });
    expect((await remove(stepPath(second.id))).status).toBe(204);
    expectProblem(await remove(stepPath(second.id)), 404, "not_found");
    expectProblem(await patch(stepPath(second.id), { name: "Gone" }), 404, "not_found");

    const draft = await api.get(sequencePath(sequence.id, "draft/"));
    expect(draft.headers.get("etag")).toBe('"5"');
    expect(names(draft.body.steps)).toEqual(["1 Hello", "3 Step 3"]);
    const current = await read(sequence.id);
    expect(current).toMatchObject({ version: 1, has_unpublished_changes: true, revision: 5 });
    expect(current.steps).toEqual(sequence.steps);
    expect(names((await steps(sequence.id, "")).body.results)).toEqual(["1 Step 1", "2 Step 2", "3 Step 3"]);
    expect(names((await steps(sequence.id, "&version=draft")).body.results)).toEqual(["1 Hello", "3 Step 3"]);
    expect(names((await steps(sequence.id, "&version=2")).body.results)).toEqual(["1 Hello", "3 Step 3"]);
    expect(third.step_number).toBe(3);
  });

  test("the whole list at once, with a step back that the draft had deleted", async () => {
    const sequence = await inUse();
    const [first, second] = sequence.steps;
    const listed = (id: string, name: string) => ({ id, name, email_template: first.email_template, delay_days: 1 });
    await remove(stepPath(second.id));

    const { body } = await put(sequence.id, [listed(second.id, "Second"), listed(first.id, "First")]);

    expect(body).toMatchObject({ version: 2, is_draft: true });
    expect(names(body.steps)).toEqual(["1 Second", "2 First"]);
    const { differences } = (await api.get(sequencePath(sequence.id, "diff/"))).body;
    expect(differences.map(({ kind }: { kind: string }) => kind).sort()).toEqual([
      "changed",
      "changed",
      "deleted",
      "moved",
    ]);
  });

  test("and a draft that is thrown away leaves everything as it was", async () => {
    const sequence = await inUse();
    await patch(stepPath(sequence.steps[0].id), { name: "Hello" });

    const discarded = await remove(sequencePath(sequence.id, "draft/"));
    expect(discarded.status).toBe(204);
    expect(discarded.headers.get("etag")).toBe('"3"');

    expectProblem(await api.get(sequencePath(sequence.id, "draft/")), 404, "not_found");
    expectProblem(await remove(sequencePath(sequence.id, "draft/")), 404, "not_found");
    const after = await read(sequence.id);
    expect(after.steps).toEqual(sequence.steps);
    expect(after).toMatchObject({ has_unpublished_changes: false, revision: 3 });
    expect((await patch(stepPath(sequence.steps[0].id), { name: "Again" })).body).toMatchObject({ version: 2 });
  });
});

const steps = (sequenceId: string, filter: string) =>
  api.get(`/api/v1/sequence-steps/?sequence=${sequenceId}${filter}`);

describe("an edit is refused, and nothing is written, no draft either,", () => {
  test.each<
    [
      string,
      (sequence: Awaited<ReturnType<typeof inUse>>) => Promise<Awaited<ReturnType<typeof api.get>>>,
      number,
      string,
    ]
  >([
    [
      "that takes another step's number",
      ({ steps: [a] }) => patch(stepPath(a.id), { step_number: 2 }),
      409,
      "step_number_taken",
    ],
    ["that names nothing", ({ steps: [a] }) => patch(stepPath(a.id), {}), 422, "validation_failed"],
    [
      "with two delays",
      ({ steps: [a] }) => patch(stepPath(a.id), { delay_days: 1, delay: { value: 2, unit: "days" } }),
      422,
      "validation_failed",
    ],
    [
      "with an unknown template",
      ({ steps: [a] }) => patch(stepPath(a.id), { email_template: nobody }),
      422,
      "validation_failed",
    ],
    ["of an unknown step", () => patch(stepPath(nobody), { name: "x" }), 404, "not_found"],
    ["of an unknown sequence", () => put(nobody, []), 404, "not_found"],
    [
      "with a step of nowhere",
      ({ id, steps: [a] }) => put(id, [{ id: nobody, name: "x", email_template: a.email_template, delay_days: 1 }]),
      422,
      "validation_failed",
    ],
    [
      "with one step twice",
      ({ id, steps: [a] }) => {
        const step = { id: a.id, name: "x", email_template: a.email_template, delay_days: 1 };
        return put(id, [step, step]);
      },
      422,
      "validation_failed",
    ],
    [
      "with a list that names an unknown template",
      ({ id }) => put(id, [{ name: "x", email_template: nobody, delay_days: 1 }]),
      422,
      "validation_failed",
    ],
  ])("%s", async (_, send, status, code) => {
    const sequence = await inUse();
    const before = await read(sequence.id);

    expectProblem(await send(sequence), status, code);

    expect(await read(sequence.id)).toEqual(before);
    expectProblem(await api.get(sequencePath(sequence.id, "draft/")), 404, "not_found");
  });
});

test("a sequence itself is changed at once, whoever is enrolled", async () => {
  const sequence = await inUse();
  const schedule = await make.schedule();
  const changes = {
    name: "Renamed",
    description: "New",
    schedule: schedule.id,
    in_doubt_policy: "hold",
    sends_per_day_max: 50,
    re_enrollment: "after_end",
    re_enrollment_cooldown: { value: 3, unit: "days" },
  };

  const { status, body } = await patch(sequencePath(sequence.id), changes);

  expect(status).toBe(200);
  expect(body).toMatchObject({ ...changes, version: 1, has_unpublished_changes: false, revision: 2 });
  expect((await patch(sequencePath(sequence.id), { sends_per_day_max: null })).body).toMatchObject({
    name: "Renamed",
    sends_per_day_max: null,
  });
  expectProblem(await patch(sequencePath(sequence.id), { version: 2 }), 422, "validation_failed");
  expectProblem(await patch(sequencePath(sequence.id), { schedule: nobody }), 422, "validation_failed");
  expectProblem(await patch(sequencePath(sequence.id), {}), 422, "validation_failed");
  expectProblem(await patch(sequencePath(nobody), { name: "x" }), 404, "not_found");
});

describe("If-Match", () => {
  type Edit = (
    sequence: Awaited<ReturnType<typeof inUse>>,
    headers: Record<string, string>,
  ) => Promise<Awaited<ReturnType<typeof api.get>>>;
  const edits: [string, Edit][] = [
    [
      "adding a step",
      ({ id, steps: [a] }, headers) =>
        api.post(
          "/api/v1/sequence-steps/",
          { sequence: id, step_number: 4, name: "x", email_template: a.email_template, delay_days: 1 },
          headers,
        ),
    ],
    ["changing a step", ({ steps: [a] }, headers) => patch(stepPath(a.id), { name: "x" }, headers)],
    ["deleting a step", ({ steps: [a] }, headers) => remove(stepPath(a.id), headers)],
    [
      "replacing the steps",
      ({ id, steps: [a] }, headers) =>
        put(id, [{ name: "x", email_template: a.email_template, delay_days: 1 }], headers),
    ],
    ["discarding the draft", ({ id }, headers) => remove(sequencePath(id, "draft/"), headers)],
    ["changing the sequence", ({ id }, headers) => patch(sequencePath(id), { name: "x" }, headers)],
    ["publishing", ({ id }, headers) => api.post(sequencePath(id, "publish/"), {}, headers)],
  ];

  test.each(edits)("of another revision keeps %s from happening; of this one, or a star, lets it", async (_, edit) => {
    const sequence = await inUse();
    await patch(stepPath(sequence.steps[1].id), { name: "Draft" });
    const before = await read(sequence.id);

    for (const tag of ['"1"', 'W/"2"', '"other"']) {
      expect(expectProblem(await edit(sequence, { "if-match": tag }), 412, "precondition_failed").revision).toBe(2);
    }
    expectProblem(await edit(sequence, { "if-match": "2" }), 400, "invalid_header");
    expect(await read(sequence.id)).toEqual(before);

    const answer = await edit(sequence, { "if-match": '"1", "2"' });
    expect(answer.status).toBeLessThan(300);
    expect(answer.headers.get("etag")).toBe('"3"');
    expect((await read(sequence.id)).revision).toBe(3);
    expect((await patch(sequencePath(sequence.id), { name: "y" }, { "if-match": "*" })).status).toBe(200);
  });

  test("of two edits at once with the same ETag lets one through", async () => {
    const sequence = await inUse();
    const edit = (name: string) => patch(stepPath(sequence.steps[0].id), { name }, { "if-match": '"1"' });

    const answers = await Promise.all([edit("one"), edit("two"), edit("three")]);

    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412]);
  });

  test("the ETag comes with whatever shows the revision", async () => {
    const sequence = await inUse();
    for (const path of [sequencePath(sequence.id), stepPath(sequence.steps[0].id)]) {
      expect((await api.get(path)).headers.get("etag")).toBe('"1"');
    }
    expect((await api.get("/api/v1/email-sequences/")).headers.get("etag")).toBeNull();
  });
});

describe("publishing", () => {
  test("a dry run says how many people wait at each step that differs and what happens to them; the publish does it", async () => {
    const sequence = await inUse();
    const other = await make.enroll({ sequence_id: sequence.id, contact_id: (await make.contact()).id });
    await pool.query("update step_execution set scheduled_for = $2 where enrollment_id = $1", [other.id, testNow]);
    await remove(stepPath(sequence.steps[0].id));
    const path = sequencePath(sequence.id, "publish/");

    const dry = await api.post(path, { dry_run: true });

    expect(dry.status).toBe(200);
    expect(dry.body).toMatchObject({
      id: sequence.id,
      version: 2,
      dry_run: true,
      in_flight: "follow",
      live_enrollments: 2,
      versions: [{ version: 1, live_enrollments: 2 }],
      groups: [
        {
          from_version: 1,
          from: { id: sequence.steps[0].id, step_number: 1, name: "Step 1" },
          to: null,
          differences: ["deleted"],
          people: 2,
          moved_on: 2,
          completed: 0,
          message: '2 people wait at step 1 "Step 1", which is deleted: 2 move on to the next step.',
        },
      ],
      revision: 2,
    });
    expect(await read(sequence.id)).toMatchObject({ version: 1, has_unpublished_changes: true, revision: 2 });

    const done = await api.post(path, {});

    expect(done.body).toEqual({ ...dry.body, dry_run: false, revision: 3 });
    expect(await read(sequence.id)).toMatchObject({ version: 2, has_unpublished_changes: false, revision: 3 });
    const { body } = await api.get(`/api/v1/sequence-enrollments/${sequence.enrollment.id}/`);
    expect(body).toMatchObject({ version: 2, status: "active" });
    expect(body.step_executions.map(({ status }: { status: string }) => status).sort()).toEqual([
      "scheduled",
      "skipped",
    ]);
    expectProblem(await api.post(path, {}), 409, "no_draft");
  });

  test("pinned, people stay, and the versions say how many are where", async () => {
    const sequence = await inUse();
    await patch(stepPath(sequence.steps[0].id), { name: "Hello" });

    const { body } = await api.post(sequencePath(sequence.id, "publish/"), { in_flight: "pin" });
    expect(body).toMatchObject({ version: 2, in_flight: "pin", live_enrollments: 1, groups: [] });

    const versions = await api.get(sequencePath(sequence.id, "versions/"));
    expect(versions.body.results).toMatchObject([
      {
        version: 2,
        is_current: true,
        is_draft: false,
        live_enrollments: 0,
        total_steps: 3,
        published_at: testNow.toISOString(),
      },
      { version: 1, is_current: false, is_draft: false, live_enrollments: 1, total_steps: 3 },
    ]);
    const path = sequencePath(sequence.id, "publish/");
    const refused = await api.post(path, { in_flight: "pin" });
    expect(expectProblem(refused, 409, "no_draft").detail).toBe(
      "The sequence has no draft: there is nothing to publish.",
    );
    // Nobody was ever enrolled in version 2, so it is still edited in place.
    expect((await patch(stepPath(sequence.steps[0].id), { name: "Hi" })).body).toMatchObject({
      version: 2,
      is_draft: false,
    });
    // And who was pinned can follow to it without a draft.
    const dry = await api.post(path, { dry_run: true });
    expect(dry.body).toMatchObject({ version: 2, versions: [{ version: 1, live_enrollments: 1 }, { version: 2 }] });
    const done = await api.post(path, {});
    expect(done.body).toEqual({ ...dry.body, dry_run: false, revision: dry.body.revision + 1 });
    expect((await api.get(`/api/v1/sequence-enrollments/${sequence.enrollment.id}/`)).body.version).toBe(2);
    expect(expectProblem(await api.post(path, {}), 409, "no_draft").detail).toMatch(/nobody is in another version/);
  });

  test("the answer says what becomes of people at an inactive or failed step, and how many get what is added or moved", async () => {
    const sequence = await inUse();
    const other = await make.enroll({ sequence_id: sequence.id, contact_id: (await make.contact()).id });
    await pool.query("update step_execution set status = 'failed' where enrollment_id = $1", [other.id]);
    const edited = (index: number, values: object = {}) => {
      const { id, name, email_template } = sequence.steps[index];
      return { id, name, email_template, delay_days: 1, ...values };
    };
    await put(sequence.id, [
      edited(2),
      edited(0, { id: undefined, name: "New" }),
      edited(0, { is_active: false }),
      edited(1),
    ]);

    const { body } = await api.post(sequencePath(sequence.id, "publish/"), { dry_run: true });

    expect(body.groups).toMatchObject([{ people: 2, moved_on: 1, held: 1, unchanged: 0 }]);
    expect(body.groups[0].message).toMatch(/is inactive now: they pass over it when its time comes/);
    expect(body.reach).toMatchObject([
      { from_version: 1, to: { step_number: 1 }, difference: "moved", still_to_get: 2, passed_by: 0 },
      { to: { step_number: 2, name: "New" }, difference: "added", still_to_get: 0, passed_by: 2 },
    ]);
  });

  test("a draft without an active step is refused", async () => {
    const sequence = await inUse();
    await put(sequence.id, []);

    expectProblem(await api.post(sequencePath(sequence.id, "publish/"), {}), 422, "sequence_without_steps");
    expectProblem(
      await api.post(sequencePath(sequence.id, "publish/"), { dry_run: true }),
      422,
      "sequence_without_steps",
    );
    expectProblem(await api.post(sequencePath(nobody, "publish/"), {}), 404, "not_found");
  });

  test("twice at once publishes once", async () => {
    const sequence = await inUse();
    await patch(stepPath(sequence.steps[0].id), { name: "Hello" });
    const publish = (headers: Record<string, string>) => api.post(sequencePath(sequence.id, "publish/"), {}, headers);

    const answers = await Promise.all([publish({}), publish({}), publish({ "if-match": '"2"' })]);

    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect((await read(sequence.id)).revision).toBe(3);
  });
});

describe("two versions are compared", () => {
  test("field by field, as data and in sentences, the current one with the draft unless said otherwise", async () => {
    const sequence = await inUse();
    await patch(stepPath(sequence.steps[1].id), { delay_days: 5, max_lateness: { value: 2, unit: "hours" } });

    const { body } = await api.get(sequencePath(sequence.id, "diff/"));

    expect(body).toMatchObject({
      sequence: sequence.id,
      from: 1,
      to: 2,
      differences: [
        {
          kind: "changed",
          from: { id: sequence.steps[1].id, step_number: 2, name: "Step 2" },
          to: { step_number: 2, name: "Step 2" },
          changes: [
            { field: "delay", from: { value: 3, unit: "days" }, to: { value: 5, unit: "days" } },
            { field: "max_lateness", from: null, to: { value: 2, unit: "hours" } },
          ],
          message:
            'Step 2 "Step 2": the delay is 5 days instead of 3 days, the limit of lateness is 2 hours instead of none.',
        },
      ],
    });
    const back = await api.get(sequencePath(sequence.id, "diff/?from=draft&to=1"));
    expect(back.body.differences[0].changes[0]).toEqual({
      field: "delay",
      from: { value: 5, unit: "days" },
      to: { value: 3, unit: "days" },
    });
  });

  test("if there are two", async () => {
    const sequence = await inUse();
    expectProblem(await api.get(sequencePath(sequence.id, "diff/")), 404, "not_found");
    expectProblem(await api.get(sequencePath(sequence.id, "diff/?from=7&to=1")), 404, "not_found");
    expectProblem(await api.get(sequencePath(sequence.id, "diff/?from=x")), 400, "invalid_query");
    expectProblem(await api.get(sequencePath(nobody, "diff/")), 404, "not_found");
    expectProblem(await api.get(sequencePath(nobody, "versions/")), 404, "not_found");
  });
});
