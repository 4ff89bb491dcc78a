import { ApiProblem } from "@dripline/client/api-problem";
import { ApiUnreachable } from "@dripline/client/api-unreachable";
import { createClient } from "@dripline/client/create-client";
import { freshDatabase } from "@dripline/testkit/database";
import { beforeEach, describe, expect, test } from "vitest";
import { type Fault, startFaultyFront } from "./testing/faulty-front.ts";
import { makers, nobody } from "./testing/make.ts";
import { startApi } from "./testing/start-api.ts";

const { url } = await freshDatabase();
const api = await startApi(url);
const make = makers(api);
const front = await startFaultyFront(api.url);
const retry = { firstWaitMilliseconds: 1 };
const dripline = createClient({ url: `${front.url}/`, apiKey: api.key, retry });

let count = 0;
const newEmail = () => `typed${++count}@example.com`;

beforeEach(() => {
  front.faults = [];
  front.requests.length = 0;
});

/** What the database has of this contact, and how often the API says that it made one. */
async function written(email: string) {
  const { rows } = await api.database.query<{ contacts: number; audited: number; enrollments: number }>(
    `select count(distinct c.id)::int as contacts, count(distinct a.id)::int as audited,
            count(distinct n.id)::int as enrollments
     from contact c left join audit_log a on a.object_id = c.id::text
     left join sequence_enrollment n on n.contact_id = c.id where c.email = $1`,
    [email],
  );
  return rows[0];
}

test("an operation is called by its id, with params, query and body, and answers with JSON", async () => {
  const email = newEmail();
  const contact = await dripline.createContact({ body: { email, attributes: { plan: "pro" } } });
  const read = await dripline.getContact({ params: { id: contact.id } });
  const found = await dripline.listContacts({ query: { email, include_count: true, page_size: 5 } });

  expect(read).toEqual(contact);
  expect(contact).toMatchObject({ email, attributes: { plan: "pro" }, created_at: expect.stringMatching(/Z$/) });
  expect(found).toMatchObject({ count: 1, results: [contact] });
});

test("an operation without a body and one with an empty answer work as well", async () => {
  const sequence = await make.sequence([0, 1]);

  await dripline.pauseSequence({ params: { id: sequence.id } });
  const nothing = await dripline.deleteSequenceStep({ params: { id: sequence.steps[1].id } });

  expect(nothing).toBeUndefined();
  expect(await dripline.getEmailSequence({ params: { id: sequence.id } })).toMatchObject({ status: "paused" });
});

test("a file goes out as it is, from a text or a stream, and a download comes as its text", async () => {
  const csv = "email\nfile@example.com\n";
  for (const file of [csv, new Blob([csv]).stream()]) {
    const { id } = await dripline.createImport({ body: {} });
    const sent = await dripline.uploadImportFile({ params: { id }, file, contentType: "text/csv" });
    const failures = await dripline.getImportFailures({ params: { id } });

    expect(sent).toMatchObject({ id, status: "waiting", bytes_total: csv.length });
    expect(failures).toContain("import_reason");
  }
});

test("all rows of a list come once each, page after page, through the client's own address", async () => {
  const made: string[] = [];
  for (let n = 0; n < 7; n += 1) made.push((await make.company({ name: `Typed ${n}` })).id);

  const seen: string[] = [];
  const query = { search: "typed", ordering: "created_at", page_size: 3 } as const;
  for await (const company of dripline.listCompanies.all({ query })) seen.push(company.id);

  expect(seen).toEqual(made);
  expect(front.requests).toHaveLength(3);
});

test("a page is asked for only when it is needed", async () => {
  for (let n = 0; n < 3; n += 1) await make.company({ name: `Lazy ${n}` });

  for await (const _ of dripline.listCompanies.all({ query: { search: "lazy", page_size: 1 } })) break;

  expect(front.requests).toHaveLength(1);
});

test("a refusal is an ApiProblem with its code, its places and its request id", async () => {
  const refused = await dripline.createContact({ body: { email: "none" } }).catch((error: unknown) => error);

  expect(refused).toBeInstanceOf(ApiProblem);
  expect(refused).toMatchObject({
    status: 422,
    code: "validation_failed",
    errors: [{ pointer: "/email" }],
    requestId: expect.stringMatching(/./),
  });
  expect(front.requests).toHaveLength(1);
});

test("members that only one code has are in the problem", async () => {
  const { id, email } = await make.contact();

  await expect(dripline.createContact({ body: { email } })).rejects.toMatchObject({
    code: "email_taken",
    problem: { existing_id: id },
  });
});

test("ifMatch refuses to overwrite what somebody else has edited", async () => {
  const { id, revision } = await make.sequence();
  const params = { id };
  await dripline.updateEmailSequence({ params, body: { name: "First" }, ifMatch: revision });

  await expect(
    dripline.updateEmailSequence({ params, body: { name: "Second" }, ifMatch: revision }),
  ).rejects.toMatchObject({ code: "precondition_failed", problem: { revision: revision + 1 } });
});

test("a param that is missing or empty is no address of something else", async () => {
  await expect(async () => dripline.getContact({ params: { id: "" } })).rejects.toThrow(/params.id is missing/);
});

describe("a request that fails twice on its way", () => {
  const ways: [string, Fault, Fault][] = [
    ["with both answers lost", "lose", "lose"],
    ["refused by something between, then lost", { status: 503, retryAfter: "0" }, "lose"],
    ["lost, then turned away for now", "lose", { status: 429, retryAfter: "0" }],
    ["with its answer cut off, then a bad gateway", "cut", { status: 502 }],
    ["without an answer in time, then lost", "swallow", "lose"],
  ];

  test.each(ways)("%s, makes one contact", async (_, first, second) => {
    const email = newEmail();
    front.faults = [first, second];

    const contact = await dripline.createContact({ body: { email }, timeoutMilliseconds: 2_000 });

    expect(contact.email).toBe(email);
    expect(await written(email)).toMatchObject({ contacts: 1, audited: 1 });
    expect(front.requests).toHaveLength(3);
    expect(new Set(front.requests.map((headers) => headers["idempotency-key"])).size).toBe(1);
  });

  test("enrolls once, and gets the enrollment that was made first", async () => {
    const [sequence, contact] = [await make.sequence(), await make.contact()];
    front.faults = ["lose", "cut"];

    const enrollment = await dripline.enroll({ body: { sequence_id: sequence.id, contact_id: contact.id } });

    expect(enrollment.contact).toBe(contact.id);
    expect(await written(contact.email)).toMatchObject({ enrollments: 1 });
  });

  test("is read again", async () => {
    const { id } = await make.contact();
    front.faults = ["lose", "cut"];

    expect(await dripline.getContact({ params: { id } })).toMatchObject({ id });
  });
});

test("each POST has a key of its own, unless the caller gives one", async () => {
  await dripline.createContact({ body: { email: newEmail() } });
  await dripline.createContact({ body: { email: newEmail() } });
  const given = { body: { email: newEmail() }, idempotencyKey: "order-1" };
  const [once, again] = [await dripline.createContact(given), await dripline.createContact(given)];

  expect(again).toEqual(once);
  expect(new Set(front.requests.map((headers) => headers["idempotency-key"])).size).toBe(3);
});

test("what could be done twice is sent once: a PATCH whose answer is lost is not repeated", async () => {
  const { id } = await make.sequence();
  front.faults = ["lose"];

  const lost = dripline.updateEmailSequence({ params: { id }, body: { name: "Once" } });

  await expect(lost).rejects.toBeInstanceOf(ApiUnreachable);
  expect(front.requests).toHaveLength(1);
});

test("a request that never gets through is given up, and says what happened", async () => {
  front.faults = ["lose", "lose", "lose", "lose", "lose"];

  await expect(dripline.getMe()).rejects.toThrow(/could not be reached/);
  expect(front.requests).toHaveLength(4);
});

test("a refusal that will not pass is not repeated", async () => {
  await expect(dripline.getContact({ params: { id: nobody } })).rejects.toMatchObject({ code: "not_found" });
  expect(front.requests).toHaveLength(1);
});

test("a longer wait than the client would wait for ends the call", async () => {
  front.faults = [{ status: 503, retryAfter: "3600" }];

  await expect(dripline.getMe()).rejects.toMatchObject({ name: "ApiUnreachable", status: 503 });
  expect(front.requests).toHaveLength(1);
});

test("a signal ends a call that waits for an answer, and nothing is sent after it", async () => {
  const controller = new AbortController();
  front.faults = ["swallow"];
  const call = dripline.getMe({ signal: controller.signal });
  await expect.poll(() => front.requests.length).toBe(1);
  controller.abort(new Error("enough"));

  await expect(call).rejects.toThrow("enough");
  expect(front.requests).toHaveLength(1);
});

test("a signal ends the wait between two attempts", async () => {
  const patient = createClient({ url: front.url, apiKey: api.key, retry: { firstWaitMilliseconds: 60_000 } });
  const controller = new AbortController();
  front.faults = [{ status: 503 }];
  const call = patient.getMe({ signal: controller.signal });
  await expect.poll(() => front.requests.length).toBe(1);
  controller.abort(new Error("enough"));

  await expect(call).rejects.toThrow("enough");
});

test("an answer of something else than the API says so", async () => {
  front.faults = [{ status: 200 }];

  await expect(dripline.getMe()).rejects.toThrow(/not one of Dripline's/);
});
