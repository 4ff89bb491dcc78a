import { insertExecution } from "@dripline/db/testing/executions";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { expect, test } from "vitest";
import { expectProblem, makers, nobody } from "./testing/make.ts";
import { startApi } from "./testing/start-api.ts";

const { url } = await freshDatabase();
const api = await startApi(url);
const { database: db } = api;

async function made(values: Parameters<typeof insertExecution>[3] = {}) {
  return insertExecution(db, await makeSequence(db), (await makeContact(db)).id, values);
}

async function idsOf(query: string): Promise<string[]> {
  const { status, body } = await api.get(`/api/v1/sequence-executions/?${query}&include_count=true`);
  expect(status).toBe(200);
  expect(body.count).toBe(body.results.length);
  return body.results.map(({ id }: { id: string }) => id);
}

test("the list is narrowed by whose it is, when it is planned for", async () => {
  const planned = new Date("2030-05-05T05:05:05.000Z");
  const one = await made({ status: "sent", scheduledFor: planned });
  await made();

  for (const query of [
    `contact=${one.contactId}`,
    `sequence=${one.sequence.id}`,
    `enrollment=${one.enrollmentId}`,
    `step=${one.sequence.stepIds[0]}&status=sent`,
    "scheduled_for__gte=2030-05-05T05:05:05Z",
    "scheduled_for__gt=2030-05-05T05:05:04Z&scheduled_for__lte=2030-05-05T12:05:05%2B07:00",
    "scheduled_for__gt=2030-01-01T00:00:00Z&scheduled_for__lt=2031-01-01T00:00:00Z",
  ]) {
    expect({ query, ids: await idsOf(query) }).toEqual({ query, ids: [one.executionId] });
  }
  for (const query of [
    `contact=${nobody}`,
    "scheduled_for__gt=2030-05-05T05:05:05Z",
    "scheduled_for__gte=2030-01-01T00:00:00Z&scheduled_for__lt=2030-05-05T05:05:05Z",
  ]) {
    expect({ query, ids: await idsOf(query) }).toEqual({ query, ids: [] });
  }
});

test("a bound that is no moment is refused, with its name", async () => {
  for (const name of ["scheduled_for__gte", "scheduled_for__lt"]) {
    const answer = await api.get(`/api/v1/sequence-executions/?${name}=tomorrow`);
    expect(expectProblem(answer, 400, "invalid_query").errors).toMatchObject([{ pointer: `/${name}` }]);
  }
});

test("a range of moments comes in the order of those moments, latest first unless asked otherwise", async () => {
  const days = ["2031-05-02", "2031-05-03", "2031-05-01"];
  const [second, third, first] = await Promise.all(
    days.map(async (day) => (await made({ scheduledFor: new Date(`${day}T05:05:05Z`) })).executionId),
  );
  const range = "scheduled_for__gte=2031-05-01T00:00:00Z&scheduled_for__lt=2031-06-01T00:00:00Z";

  expect(await idsOf(range)).toEqual([third, second, first]);
  expect(await idsOf(`${range}&ordering=scheduled_for`)).toEqual([first, second, third]);
  const { body } = await api.get(`/api/v1/sequence-executions/?${range}&page_size=2`);
  const next = new URL(body.next);
  expect((await api.get(`${next.pathname}${next.search}`)).body.results).toMatchObject([{ id: first }]);
  const answer = await api.get(`/api/v1/sequence-executions/?${range}&ordering=created_at`);
  expect(expectProblem(answer, 400, "invalid_query").errors).toMatchObject([{ pointer: "/ordering" }]);
});

test("an execution that does not exist is a 404", async () => {
  expectProblem(await api.get(`/api/v1/sequence-executions/${nobody}/`), 404, "not_found");
});

test("a step is asked for by its id in any version", async () => {
  const make = makers(api);
  const sequence = await make.draft([0, 3]);
  const [before] = sequence.steps;
  await api.post(`/api/v1/email-sequences/${sequence.id}/publish/`, {});
  const { body } = await api.get(`/api/v1/email-sequences/${sequence.id}/`);
  const [after] = body.steps;
  expect(after.id).not.toBe(before.id);

  const ids = await idsOf(`step=${before.id}`);

  expect(ids).toHaveLength(1);
  expect(await idsOf(`step=${after.id}`)).toEqual(ids);
  expect(await idsOf(`step=${after.id}&sequence=${sequence.id}`)).toEqual(ids);
  expect(await idsOf(`step=${body.steps[1].id}`)).toEqual([]);
});
