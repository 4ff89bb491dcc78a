import { operations } from "@dripline/contract/operations";
import { freshDatabase } from "@dripline/testkit/database";
import { afterAll, expect, test } from "vitest";
import { makers, mjml } from "./testing/make.ts";
import { type Answer, startApi } from "./testing/start-api.ts";

const { url } = await freshDatabase();
const publicUrl = "https://mail.example.com/dripline";
const api = await startApi(url, { publicUrl });
const make = makers(api);
const met = new Set<string>();

/** Sends what makes something, and reads it at the place that the answer names. */
async function expectPlace(operationId: string, answer: Promise<Answer>): Promise<void> {
  const { status, headers, body } = await answer;
  expect(status).toBe(201);
  const location = headers.get("location") ?? "";
  expect(location).toMatch(new RegExp(`^${publicUrl}/api/v1/[a-z-]+/${body.id}/$`));
  const read = await api.get(location.slice(publicUrl.length));
  expect(read).toMatchObject({ status: 200, body: { id: body.id } });
  met.add(operationId);
}

test("what was created is read at its Location", async () => {
  const sequence = await make.sequence([0]);
  const [contact, other] = [await make.contact(), await make.contact()];
  const key = await make.apiKey();
  const [step] = sequence.steps;
  const windows = [{ weekday: 1, start: "09:00", end: "17:00" }];
  const bodies = {
    createContact: ["contacts", { email: "new@example.com" }],
    createCompany: ["companies", { name: "New" }],
    createSchedule: ["schedules", { name: "New", timezone: "UTC", windows }],
    createEmailTemplate: ["email-templates", { name: "New", subject: "Hello", mjml }],
    createEmailSequence: ["email-sequences", { name: "New" }],
    duplicateEmailSequence: [`email-sequences/${sequence.id}/duplicate`, {}],
    createSequenceStep: [
      "sequence-steps",
      { sequence: sequence.id, step_number: 2, name: "Next", delay_days: 1, email_template: step.email_template },
    ],
    enroll: ["sequence-enrollments/enroll", { sequence_id: sequence.id, contact_id: contact.id }],
    createSequenceEnrollment: ["sequence-enrollments", { sequence: sequence.id, contact: other.id }],
    createSuppression: ["suppressions", { email: "gone@example.com" }],
    createUser: ["users", { email: "new@example.com", name: "New" }],
    createApiKey: ["api-keys", { name: "New", scopes: ["read"] }],
    rotateApiKey: [`api-keys/${key.id}/rotate`, {}],
    createImport: ["imports", {}],
  } as const;
  for (const [id, [path, body]] of Object.entries(bodies)) await expectPlace(id, api.post(`/api/v1/${path}/`, body));
});

test("a replayed answer names the same place", async () => {
  const headers = { "idempotency-key": "one contact" };
  const send = () => api.post("/api/v1/contacts/", { email: "twice@example.com" }, headers);
  const [first, second] = [await send(), await send()];
  expect(second.headers.get("idempotency-replayed")).toBe("true");
  expect(second.headers.get("location")).toBe(first.headers.get("location"));
});

test("what creates nothing names no place", async () => {
  expect((await api.get("/api/v1/contacts/")).headers.get("location")).toBeNull();
  const { id } = await make.contact();
  const edited = await api.send("PATCH", `/api/v1/contacts/${id}/`, { body: { first_name: "Ann" } });
  expect([edited.status, edited.headers.get("location")]).toEqual([200, null]);
});

afterAll(() => {
  const creating = operations.filter(({ success }) => success === 201).map(({ id }) => id);
  expect([...met].toSorted()).toEqual(creating.toSorted());
});
