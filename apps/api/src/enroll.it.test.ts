import { freshDatabase } from "@dripline/testkit/database";
import { expect, test } from "vitest";
import { makers } from "./testing/make.ts";
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
