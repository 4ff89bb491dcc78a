import { allows, type NeededScope, type OperationDefinition, type Scope, scopeOf } from "@dripline/contract/operation";
import { operations } from "@dripline/contract/operations";
import { createApiKey } from "@dripline/db/api-keys";
import { newId } from "@dripline/db/new-id";
import { freshDatabase } from "@dripline/testkit/database";
import { describe, expect, test } from "vitest";
import { expectProblem, makers } from "./testing/make.ts";
import { type Answer, startApi, testNow } from "./testing/start-api.ts";

const { url, pool } = await freshDatabase();
const api = await startApi(url);
const make = makers(api);

const keyWith = async (...scopes: Scope[]) =>
  (await createApiKey(pool, { name: scopes.join(), now: testNow, scopes })).key;
const keys: Record<Scope, string> = {
  read: await keyWith("read"),
  enroll: await keyWith("enroll"),
  write: await keyWith("write"),
  admin: api.key,
};

function ask({ method, path, body }: OperationDefinition, key: string, id = newId()): Promise<Answer> {
  return api.send(method, path.replace("{id}", id), { key, ...(body === undefined ? {} : { body: {} }) });
}

function expectInsufficient(answer: Answer, needed: NeededScope): void {
  expect(expectProblem(answer, 403, "insufficient_scope")).toMatchObject({ required_scope: needed });
  expect(answer.headers.get("www-authenticate")).toBe(
    `Bearer realm="dripline", error="insufficient_scope", scope="${needed}"`,
  );
}

describe.each(Object.keys(keys) as Scope[])("a key with the scope %s", (held) => {
  const guarded = operations.filter(({ auth }) => auth === "key");

  test("gets through to what it is allowed to and to nothing else", async () => {
    for (const operation of guarded) {
      const needed = scopeOf(operation) ?? "any";
      const answer = await ask(operation, keys[held]);
      if (!allows([held], needed)) expectInsufficient(answer, needed);
      else expect([401, 403], operation.id).not.toContain(answer.status);
    }
  });
});

test("without the scope the answer is the same whether there is such a thing or not, and whatever the body", async () => {
  const { id } = await make.user();
  const told = async (answer: Promise<Answer>) => {
    const { request_id: _, ...problem } = (await answer).body;
    return problem;
  };
  const patch = (path: string, body: unknown) => told(api.send("PATCH", path, { key: keys.write, body }));

  const first = await patch(`/api/v1/users/${id}/`, { name: "New" });
  expect(first).toMatchObject({ code: "insufficient_scope" });
  expect(await patch(`/api/v1/users/${newId()}/`, { name: "New" })).toEqual(first);
  expect(await patch("/api/v1/users/nonsense/", { name: "New" })).toEqual(first);
  expect(await patch(`/api/v1/users/${id}/?x=1`, "{")).toEqual(first);
});

test("several scopes add up", async () => {
  const key = await keyWith("read", "enroll");
  const body = { sequence_id: (await make.sequence()).id, contact_id: (await make.contact()).id };

  expect((await api.send("POST", "/api/v1/sequence-enrollments/enroll/", { key, body })).status).toBe(201);
  expect((await api.send("GET", "/api/v1/contacts/", { key })).status).toBe(200);
  expectInsufficient(await api.send("POST", "/api/v1/companies/", { key, body: { name: "Acme" } }), "write");
});

test("a key that can only enroll does so with a contact of its own, and sees no list", async () => {
  const body = { sequence_id: (await make.sequence()).id, contact: { email: "form@example.com" } };

  const answer = await api.send("POST", "/api/v1/sequence-enrollments/enroll/", { key: keys.enroll, body });
  expect(answer.status).toBe(201);
  expectInsufficient(await api.send("GET", "/api/v1/sequence-enrollments/", { key: keys.enroll }), "read");
});
