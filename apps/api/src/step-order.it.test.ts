import { freshDatabase } from "@dripline/testkit/database";
import { describe, expect, test } from "vitest";
import { expectProblem, makers, nobody } from "./testing/make.ts";
import { startApi, testNow } from "./testing/start-api.ts";

const { url } = await freshDatabase();
let now = testNow;
const api = await startApi(url, { now: () => now });
const make = makers(api);
const reorder = (sequence: string, steps: readonly string[], headers: Record<string, string> = {}) =>
  api.post("/api/v1/sequence-steps/reorder/", { sequence, steps }, headers);
const put = (id: string, body: object, headers: Record<string, string> = {}) =>
  api.send("PUT", `/api/v1/sequence-steps/${id}/`, { body, headers });
const read = async (id: string) => (await api.get(`/api/v1/email-sequences/${id}/`)).body;
const draftOf = (id: string) => api.get(`/api/v1/email-sequences/${id}/draft/`);
const names = (steps: readonly { step_number: number; name: string }[]) =>
  steps.map(({ step_number: number, name }) => `${number} ${name}`);

async function inUse() {
  const sequence = await make.sequence();
  await make.enroll({ sequence_id: sequence.id, contact_id: (await make.contact()).id });
  return sequence;
}

describe("the steps of a sequence are put in another order", () => {
  test("in place while nobody was ever enrolled, and nothing else of them changes", async () => {
    const sequence = await make.sequence();
    const [first, second, third] = sequence.steps;
    now = new Date(testNow.getTime() + 60_000);

    const answer = await reorder(sequence.id, [third.id, second.id, first.id]);
    now = testNow;

    expect(answer.status).toBe(200);
    expect(answer.headers.get("etag")).toBe('"2"');
    expect(answer.body).toMatchObject({ id: sequence.id, version: 1, is_draft: false, total_steps: 3, revision: 2 });
    expect(names(answer.body.steps)).toEqual(["1 Step 3", "2 Step 2", "3 Step 1"]);
    expect((await read(sequence.id)).steps[1]).toEqual(second); // stays where it was
    expect(answer.body.steps[0]).toEqual({ ...third, step_number: 1, updated_at: answer.body.steps[0].updated_at });
  });

  test("closing the gaps between their numbers", async () => {
    const sequence = await make.sequence();
    const [first, second, third] = sequence.steps;
    await api.send("PATCH", `/api/v1/sequence-steps/${third.id}/`, { body: { step_number: 9 } });

    const { body } = await reorder(sequence.id, [first.id, third.id, second.id]);

    expect(names(body.steps)).toEqual(["1 Step 1", "2 Step 3", "3 Step 2"]);
  });

  test("in a draft once somebody is enrolled, by the ids of either version", async () => {
    const sequence = await inUse();
    const [first, second, third] = sequence.steps;

    const opened = await reorder(sequence.id, [third.id, first.id, second.id]);
    expect(opened.body).toMatchObject({ version: 2, is_draft: true });
    expect(names(opened.body.steps)).toEqual(["1 Step 3", "2 Step 1", "3 Step 2"]);
    const [draftThird] = opened.body.steps;
    const again = await reorder(sequence.id, [second.id, draftThird.id, first.id]);

    expect(names(again.body.steps)).toEqual(["1 Step 2", "2 Step 3", "3 Step 1"]);
    expect((await draftOf(sequence.id)).body).toEqual(again.body);
    expect((await read(sequence.id)).steps).toEqual(sequence.steps);
  });

  type Steps = readonly { readonly id: string }[];
  const ids = (steps: Steps) => steps.map(({ id }) => id);
  test.each<[string, (steps: Steps, foreign: string) => readonly string[], string, string]>([
    ["that leaves one out", (steps) => ids(steps).slice(1), "/steps", "required"],
    ["with one twice", (steps) => [...ids(steps), ids(steps)[0] ?? ""], "/steps/3", "duplicate"],
    ["with a step of nowhere", (steps) => [...ids(steps), nobody], "/steps/3", "not_found"],
    ["with another sequence's step", (steps, foreign) => [...ids(steps), foreign], "/steps/3", "not_found"],
    ["without any", () => [], "/steps", "invalid"],
  ])("but not by a list %s, and then no draft is opened", async (_, listOf, pointer, code) => {
    const [sequence, other] = [await inUse(), await make.sequence()];

    const answer = await reorder(sequence.id, listOf(sequence.steps, other.steps[0].id));

    expect(expectProblem(answer, 422, "validation_failed").errors).toMatchObject([{ pointer, code }]);
    expectProblem(await draftOf(sequence.id), 404, "not_found");
    expect((await read(sequence.id)).revision).toBe(1);
  });

  test("but not of an unknown sequence, or of another revision", async () => {
    const sequence = await make.sequence();
    const all = ids(sequence.steps);

    const unknown = expectProblem(await reorder(nobody, all), 422, "validation_failed");
    expect(unknown.errors).toMatchObject([{ pointer: "/sequence", code: "not_found" }]);
    expectProblem(await reorder(sequence.id, all, { "if-match": '"2"' }), 412, "precondition_failed");
    expectProblem(await reorder(sequence.id, all, { "if-match": "2" }), 400, "invalid_header");
    expect((await reorder(sequence.id, all, { "if-match": '"1"' })).status).toBe(200);
  });

  test("by several at once: one order after the other, never a mixture", async () => {
    const sequence = await inUse();
    const all = ids(sequence.steps);
    const orders = [all, all.toReversed(), [all[1] ?? "", all[0] ?? "", all[2] ?? ""]];

    const answers = await Promise.all(orders.map((order) => reorder(sequence.id, order)));

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const { body } = await draftOf(sequence.id);
    expect(answers.map((answer) => answer.body)).toContainEqual(body);
    expect(body).toMatchObject({ total_steps: 3, revision: 4, version: 2 });
  });
});

describe("a step is replaced", () => {
  const step = (sequence: { id: string; steps: readonly { email_template: string }[] }, fields: object = {}) => ({
    sequence: sequence.id,
    step_number: 1,
    name: "New",
    email_template: sequence.steps[0]?.email_template,
    delay_days: 4,
    ...fields,
  });

  test("and what is left out gets its default", async () => {
    const sequence = await make.sequence([0]);
    const [{ id }] = sequence.steps;
    const limits = { max_lateness: { value: 2, unit: "hours" }, late_policy: "skip", is_active: false };
    await api.send("PATCH", `/api/v1/sequence-steps/${id}/`, { body: limits });

    const answer = await put(id, step(sequence, { step_number: 2 }));

    expect(answer.status).toBe(200);
    expect(answer.headers.get("etag")).toBe('"3"');
    expect(answer.body).toMatchObject({
      id,
      step_number: 2,
      name: "New",
      delay_days: 4,
      max_lateness: null,
      late_policy: "send",
      is_active: true,
      is_draft: false,
      revision: 3,
    });
  });

  test("in the draft once somebody is enrolled", async () => {
    const sequence = await inUse();

    const { body } = await put(sequence.steps[0].id, step(sequence));

    expect(body).toMatchObject({ name: "New", version: 2, is_draft: true });
    expect((await read(sequence.id)).steps).toEqual(sequence.steps);
  });

  test.each<[string, object, string]>([
    ["another sequence", { sequence: nobody }, "/sequence"],
    ["an unknown template", { email_template: nobody }, "/email_template"],
    ["no delay", { delay_days: undefined }, "/delay_days"],
    ["two delays", { delay: { value: 1, unit: "hours" } }, "/delay_days"],
    ["no number", { step_number: undefined }, "/step_number"],
  ])("but not with %s", async (_, fields, pointer) => {
    const sequence = await inUse();

    const answer = await put(sequence.steps[0].id, step(sequence, fields));

    expect(expectProblem(answer, 422, "validation_failed").errors).toMatchObject([{ pointer }]);
    expectProblem(await draftOf(sequence.id), 404, "not_found");
  });

  test("but not with another step's number, as another revision, or out of nothing", async () => {
    const sequence = await make.sequence();
    const [first, second] = sequence.steps;

    const taken = expectProblem(await put(first.id, step(sequence, { step_number: 2 })), 409, "step_number_taken");
    expect(taken.existing_id).toBe(second.id);
    expectProblem(await put(first.id, step(sequence), { "if-match": '"2"' }), 412, "precondition_failed");
    expectProblem(await put(nobody, step(sequence)), 404, "not_found");
    expect(await read(sequence.id)).toEqual(sequence);
  });
});
