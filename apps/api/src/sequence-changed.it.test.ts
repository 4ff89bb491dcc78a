import { type Database, openDatabase } from "@dripline/db/database";
import { newId } from "@dripline/db/new-id";
import { insertExecution } from "@dripline/db/testing/executions";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { expect, test } from "vitest";
import { expectProblem, makers } from "./testing/make.ts";
import { startApi } from "./testing/start-api.ts";

const { url, pool } = await freshDatabase();

/** What somebody else commits between a request's look and its decisive statement, by that statement's name. */
const meanwhile = new Map<string, () => Promise<unknown>>();
const api = await startApi(url, { database: interrupted(openApiDatabase()) });
const make = makers(api);

function openApiDatabase(): Database {
  return openDatabase({ url, connectionsMax: 10, applicationName: "api test", onError: () => {} });
}

/** The same pool; a transaction's statement of a name in `meanwhile` is sent once that was done. */
function interrupted(database: Database): Database {
  const connect = async () => {
    const client = await database.connect();
    return new Proxy(client, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (name !== "query") return typeof member === "function" ? member.bind(target) : member;
        return async (query: { name?: string }, ...rest: unknown[]) => {
          const happens = meanwhile.get(query.name ?? "");
          meanwhile.delete(query.name ?? "");
          await happens?.();
          return (target.query as (...all: unknown[]) => unknown)(query, ...rest);
        };
      },
    });
  };
  return new Proxy(database, {
    get(target, name) {
      if (name === "connect") return connect;
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}

/** A published version 2 with the same steps. */
async function publishAnother(sequenceId: string): Promise<string> {
  const id = newId();
  await pool.query(
    "insert into sequence_version (id, sequence_id, version_number, published_at) values ($1, $2, 2, now())",
    [id, sequenceId],
  );
  await pool.query("update email_sequence set current_version_number = 2 where id = $1", [sequenceId]);
  return id;
}

test.each([
  ["enroll/", "sequence_id", "contact_id"],
  ["", "sequence", "contact"],
])(
  "who is suppressed for the blink of an eye while %j enrolls them is not, and the answer says to ask again",
  async (path, sequenceField, contactField) => {
    const [sequence, contact] = [await make.sequence(), await make.contact()];
    meanwhile.set("insert-enrollments", async () => {
      await pool.query("insert into suppression (id, email, reason) values ($1, $2, 'manual')", [
        newId(),
        contact.email,
      ]);
      meanwhile.set("load-enrollable-contacts", () =>
        pool.query("delete from suppression where email = $1", [contact.email]),
      );
    });

    const answer = await api.post(`/api/v1/sequence-enrollments/${path}`, {
      [sequenceField]: sequence.id,
      [contactField]: contact.id,
    });

    expectProblem(answer, 409, "sequence_changed");
    expect((await api.get(`/api/v1/sequence-enrollments/?sequence=${sequence.id}`)).body.results).toEqual([]);
  },
);

test("a doubt that is settled while its enrollment takes a new version is left as it is, to be settled again", async () => {
  const sequence = await makeSequence(pool, { steps: [{}, {}] });
  const doubt = await insertExecution(pool, sequence, (await makeContact(pool)).id, {
    status: "in_doubt",
    hasAdvanced: false,
    messageId: "<d@example.com>",
  });
  meanwhile.set("finish-executions", async () => {
    const versionId = await publishAnother(sequence.id);
    await pool.query("update sequence_enrollment set version_id = $2 where id = $1", [doubt.enrollmentId, versionId]);
  });
  const path = `/api/v1/sequence-executions/${doubt.executionId}/`;

  expectProblem(await api.post(`${path}settle/`, { as: "sent" }), 409, "sequence_changed");

  expect((await api.get(path)).body.status).toBe("in_doubt");
  expect((await api.post(`${path}settle/`, { as: "sent" })).status).toBe(200);
});
