import { expect } from "vitest";
import type { Answer, TestApi } from "./start-api.ts";

/** An id that is one, but of nothing. */
export const nobody = "019a0000-0000-7000-8000-00000000dead";

export const mjml =
  "<mjml><mj-body><mj-section><mj-column><mj-text>Hello {{ contact.first_name }}</mj-text></mj-column></mj-section></mj-body></mjml>";

let count = 0;
const next = () => ++count;

/** Makes what a test needs, through the API itself. */
export function makers(api: TestApi) {
  const created = async (answer: Promise<Answer>) => {
    const { status, body } = await answer;
    expect(body).not.toHaveProperty("code");
    expect(status).toBe(201);
    return body;
  };
  return {
    template: (fields: object = {}) =>
      created(api.post("/api/v1/email-templates/", { name: `Template ${next()}`, subject: "Hello", mjml, ...fields })),
    contact: (fields: object = {}) =>
      created(api.post("/api/v1/contacts/", { email: `contact${next()}@example.com`, ...fields })),
    suppression: (fields: object = {}) =>
      created(api.post("/api/v1/suppressions/", { email: `suppressed${next()}@example.com`, ...fields })),
    company: (fields: object = {}) => created(api.post("/api/v1/companies/", { name: `Company ${next()}`, ...fields })),
    user: (fields: object = {}) =>
      created(api.post("/api/v1/users/", { email: `user${next()}@example.com`, name: `User ${next()}`, ...fields })),
    apiKey: (fields: object = {}) =>
      created(api.post("/api/v1/api-keys/", { name: `Key ${next()}`, scopes: ["read"], ...fields })),
    schedule: (fields: object = {}) =>
      created(
        api.post("/api/v1/schedules/", {
          name: `Schedule ${next()}`,
          timezone: "UTC",
          windows: [{ weekday: 1, start: "00:00", end: "24:00" }],
          ...fields,
        }),
      ),
    async sequence(delays: readonly number[] = [0, 3, 27], fields: object = {}) {
      const template = await this.template();
      const steps = delays.map((days, index) => ({
        step_number: index + 1,
        name: `Step ${index + 1}`,
        email_template: template.id,
        delay_days: days,
      }));
      return created(api.post("/api/v1/email-sequences/", { name: `Sequence ${next()}`, steps, ...fields }));
    },
    /** A sequence with a draft, because somebody is enrolled in its version 1. */
    async draft(delays: readonly number[] = [0, 3, 27]) {
      const [sequence, contact] = [await this.sequence(delays), await this.contact()];
      await this.enroll({ sequence_id: sequence.id, contact_id: contact.id });
      const step = { sequence: sequence.id, step_number: delays.length + 1, name: "Added", delay_days: 1 };
      await created(api.post("/api/v1/sequence-steps/", { ...step, email_template: sequence.steps[0].email_template }));
      return sequence;
    },
    /** An import without its file, or one that has ended. */
    async import({ status, ...fields }: { status?: "cancelled"; [field: string]: unknown } = {}) {
      const made = await created(api.post("/api/v1/imports/", fields));
      if (status !== undefined) await api.post(`/api/v1/imports/${made.id}/cancel/`, undefined);
      return made;
    },
    enroll: (fields: object) => created(api.post("/api/v1/sequence-enrollments/enroll/", fields)),
  };
}

/** What every problem answer looks like. */
export function expectProblem(answer: Answer, status: number, code: string): Answer["body"] {
  expect(answer.body).toMatchObject({ status, code, type: `urn:dripline:problem:${code}` });
  expect(answer.status).toBe(status);
  expect(answer.headers.get("content-type")).toContain("application/problem+json");
  expect(answer.body.title).toMatch(/\S/);
  expect(answer.body.detail).toMatch(/\S/);
  expect(answer.body.request_id).toBe(answer.headers.get("x-request-id"));
  return answer.body;
}
