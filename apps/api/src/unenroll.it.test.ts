import { freshDatabase } from "@dripline/testkit/database";
import { expect, test } from "vitest";
import { expectProblem, makers, nobody } from "./testing/make.ts";
import { startApi, testNow } from "./testing/start-api.ts";

const { url } = await freshDatabase();
const api = await startApi(url);
const make = makers(api);
const unenroll = (id: string, body: object = {}) => api.post(`/api/v1/sequence-enrollments/${id}/unenroll/`, body);

async function enrolled() {
  const [sequence, contact] = [await make.sequence(), await make.contact()];
  return make.enroll({ sequence_id: sequence.id, contact_id: contact.id, notes: "First line" });
}

test.each(["cancelled", "paused", "unsubscribed"])(
  "unenrolling to %s skips what is waiting and leaves a note",
  async (status) => {
    const { id } = await enrolled();

    const answer = await unenroll(id, { status, reason: "Became a customer" });

    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ id, status, step_executions: [{ status: "skipped" }] });
    expect(answer.body.notes).toMatch(/^First line\n.*Became a customer$/);
    expect(answer.body.notes).toContain(testNow.toISOString());
    const execution = await api.get(`/api/v1/sequence-executions/${answer.body.step_executions[0].id}/`);
    expect(execution.body.events).toMatchObject([{ kind: "skipped", actor: expect.stringMatching(/^api_key:/) }]);
  },
);

test("without a body the enrollment is cancelled", async () => {
  const { id } = await enrolled();

  const answer = await api.send("POST", `/api/v1/sequence-enrollments/${id}/unenroll`);

  expect(answer.body).toMatchObject({ status: "cancelled", end_reason: "unenrolled" });
});

test("an enrollment that has ended is left alone, and the answer says how it stands", async () => {
  const { id } = await enrolled();
  await unenroll(id, { status: "unsubscribed" });

  const problem = expectProblem(await unenroll(id), 409, "enrollment_not_live");

  expect(problem.enrollment_status).toBe("unsubscribed");
  expect((await api.get(`/api/v1/sequence-enrollments/${id}/`)).body.status).toBe("unsubscribed");
});

test("an unknown enrollment is a 404, and so is an id that is none", async () => {
  expectProblem(await unenroll(nobody), 404, "not_found");
  expectProblem(await unenroll("42"), 404, "not_found");
});

test("a status that unenrolling cannot lead to is refused", async () => {
  const { id } = await enrolled();

  expect(expectProblem(await unenroll(id, { status: "completed" }), 422, "validation_failed").errors).toMatchObject([
    { pointer: "/status" },
  ]);
});
