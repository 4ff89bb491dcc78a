import { type OperationDefinition, problemsOf } from "@dripline/contract/operation";
import { operations } from "@dripline/contract/operations";
import { successHeaders } from "@dripline/contract/response-headers";
import { insertEmailLog } from "@dripline/db/testing/email-logs";
import { freshDatabase } from "@dripline/testkit/database";
import { startScriptedSmtp } from "@dripline/testkit/scripted-smtp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTestMail } from "./open-test-mail.ts";
import { expectProblem, makers, mjml } from "./testing/make.ts";
import { startApi } from "./testing/start-api.ts";

const { url } = await freshDatabase();
const smtp = await startScriptedSmtp();
const testMail = openTestMail({ smtpUrl: smtp.url, mailFrom: { name: "", address: "hello@example.com" } });
const api = await startApi(url, { testMail });
const make = makers(api);

/** For each operation a request that succeeds; one that is not here fails the test. */
interface Sample {
  id?: string;
  version_number?: number;
  body?: object | string;
  headers?: Record<string, string>;
}
const samples: Record<string, Sample> = {};

afterAll(async () => {
  await testMail?.close();
  await smtp.close();
});

beforeAll(async () => {
  const [company, contact, other] = [await make.company(), await make.contact(), await make.contact()];
  const [template, schedule] = [await make.template(), await make.schedule()];
  const [sequence, quiet] = [await make.sequence(), await make.sequence([0, 1])];
  const enrollment = await make.enroll({ sequence_id: sequence.id, contact_id: contact.id });
  const pausable = await make.enroll({ sequence_id: sequence.id, contact_id: (await make.contact()).id });
  const { rows: doubts } = await api.database.query<{ id: string }>(
    "update step_execution set status = 'in_doubt' where enrollment_id = $1 returning id",
    [(await make.enroll({ sequence_id: sequence.id, contact_id: (await make.contact()).id })).id],
  );
  const execution = async (status: string): Promise<string> => {
    const { id, step_executions: executions } = await make.enroll({
      sequence_id: sequence.id,
      contact_id: (await make.contact()).id,
    });
    await api.database.query("update step_execution set status = $2 where enrollment_id = $1", [id, status]);
    return executions[0].id;
  };
  const emailLog = await insertEmailLog(api.database, {
    executionId: enrollment.step_executions[0].id,
    enrollmentId: enrollment.id,
    contactId: contact.id,
    sequence: { ...sequence, versionId: "", stepIds: [sequence.steps[0].id] },
  });
  const [noted, lifted] = [await make.suppression(), await make.suppression()];
  const { body: audit } = await api.get("/api/v1/audit-log/?page_size=1");
  const own = { sequence: await make.sequence(), enrollment: pausable };
  const step = { step_number: 1, name: "Step", email_template: template.id, delay_days: 1 };
  const { step_number: _, ...unnumbered } = step;
  const unused = await make.sequence();
  const ended = await make.enroll({ sequence_id: sequence.id, contact_id: (await make.contact()).id });
  await api.post(`/api/v1/sequence-enrollments/${ended.id}/unenroll/`, {});
  const [user, apiKey] = [await make.user(), await make.apiKey()];
  const person = { email: "ann@example.com", first_name: "Ann" };
  const [drafted, discarded] = [await make.draft(), await make.draft()];
  Object.assign(samples, {
    createEmailSequence: { body: { name: "Sample", steps: [step] } },
    getEmailSequence: { id: sequence.id },
    pauseSequence: { id: own.sequence.id },
    resumeSequence: { id: own.sequence.id },
    archiveSequence: { id: own.sequence.id },
    replaceEmailSequence: { id: sequence.id, body: { name: sequence.name } },
    deleteEmailSequence: { id: unused.id },
    duplicateEmailSequence: { id: sequence.id, body: {} },
    changeSequences: { body: { action: "pause", ids: [quiet.id], dry_run: true } },
    updateEmailSequence: { id: sequence.id, body: { description: "Changed" } },
    listSequenceVersions: { id: sequence.id },
    diffSequenceVersions: { id: drafted.id },
    getSequenceDraft: { id: drafted.id },
    replaceSequenceDraft: { id: drafted.id, body: { steps: [unnumbered] } },
    discardSequenceDraft: { id: discarded.id },
    publishSequence: { id: drafted.id, body: { in_flight: "pin", dry_run: false } },
    replaceSequenceStep: { id: quiet.steps[0].id, body: { sequence: quiet.id, ...step } },
    reorderSequenceSteps: { body: { sequence: sequence.id, steps: stepIds(sequence) } },
    updateSequenceStep: { id: quiet.steps[0].id, body: { name: "Changed" } },
    deleteSequenceStep: { id: quiet.steps[1].id },
    previewEmails: { id: sequence.id, body: { contact_id: other.id } },
    planSends: { id: sequence.id, body: { contact_id: other.id } },
    createSequenceStep: { body: { sequence: quiet.id, ...step, step_number: 3 } },
    getSequenceStep: { id: sequence.steps[0].id },
    enroll: { body: { sequence_id: sequence.id, contact_id: other.id } },
    bulkEnroll: { body: { sequence_id: sequence.id, items: [{ contact: { email: "bulk@example.com" } }] } },
    createSequenceEnrollment: { body: { sequence_id: sequence.id, contact_id: (await make.contact()).id } },
    replaceSequenceEnrollment: { id: enrollment.id, body: { notes: "Replaced" } },
    updateSequenceEnrollment: { id: enrollment.id, body: { notes: "Changed" } },
    deleteSequenceEnrollment: { id: ended.id },
    actOnEnrollments: { body: { action: "resume", ids: [enrollment.id] } },
    getSequenceEnrollment: { id: enrollment.id },
    unenroll: { id: enrollment.id, body: { status: "cancelled" } },
    pauseEnrollment: { id: own.enrollment.id, body: { reason: "On holiday" } },
    resumeEnrollment: { id: own.enrollment.id },
    completeEnrollment: { id: own.enrollment.id },
    getSequenceExecution: { id: enrollment.step_executions[0].id },
    settleExecution: { id: doubts[0]?.id, body: { as: "sent", note: "They replied" } },
    retryExecution: { id: await execution("failed"), body: { note: "Put right" } },
    skipExecution: { id: await execution("scheduled"), body: { note: "We met them" } },
    sendExecutionNow: { id: await execution("scheduled") },
    rescheduleExecution: { id: await execution("scheduled"), body: { scheduled_for: "2027-01-04T02:00:00Z" } },
    getEmailLog: { id: emailLog },
    getEmailMessage: { id: emailLog },
    createSuppression: { body: { email: "suppressed@example.com" } },
    bulkSuppress: { body: { emails: ["suppressed@example.com", "another@example.com"] } },
    getSuppression: { id: noted.id },
    replaceSuppression: { id: noted.id, body: { note: "Replaced" } },
    updateSuppression: { id: noted.id, body: { note: "Changed" } },
    deleteSuppression: { id: lifted.id },
    getAuditEntry: { id: audit.results[0].id },
    explainSequenceExecution: { id: enrollment.step_executions[0].id },
    createContact: { body: { email: "sample@example.com" } },
    getContact: { id: contact.id },
    replaceContact: { id: other.id, body: { email: "replaced@example.com" } },
    updateContact: { id: other.id, body: { first_name: "Changed" } },
    deleteContact: { id: (await make.contact()).id },
    createImport: { body: { file_name: "sample.csv", on_match: "update" } },
    getImport: { id: (await make.import()).id },
    uploadImportFile: {
      id: (await make.import()).id,
      body: "email\nimported@example.com\n",
      headers: { "content-type": "text/csv" },
    },
    cancelImport: { id: (await make.import()).id },
    getImportFailures: { id: (await make.import()).id },
    deleteImport: { id: (await make.import({ status: "cancelled" })).id },
    createCompany: { body: { name: "Sample" } },
    getCompany: { id: company.id },
    replaceCompany: { id: company.id, body: { name: "Replaced" } },
    updateCompany: { id: company.id, body: { name: "Changed" } },
    deleteCompany: { id: (await make.company()).id },
    createEmailTemplate: { body: { name: "Sample", subject: "s", mjml } },
    getEmailTemplate: { id: template.id },
    replaceEmailTemplate: { id: template.id, body: { name: "Replaced", subject: "s", mjml } },
    updateEmailTemplate: { id: template.id, body: { subject: "Changed" } },
    deleteEmailTemplate: { id: (await make.template()).id },
    listEmailTemplateVersions: { id: template.id },
    getEmailTemplateVersion: { id: template.id, version_number: 1 },
    restoreEmailTemplateVersion: { id: template.id, version_number: 1 },
    previewEmailTemplate: { id: template.id, body: { contact: person } },
    testSendEmailTemplate: { id: template.id, body: { to: ["me@example.com"], contact: person } },
    createSchedule: { body: { name: "Sample", timezone: "UTC", windows: [] } },
    getSchedule: { id: schedule.id },
    createUser: { body: { email: "user.sample@example.com", name: "Sample" } },
    getUser: { id: user.id },
    replaceUser: { id: user.id, body: { email: "user.changed@example.com", name: "Changed" } },
    updateUser: { id: user.id, body: { role: "editor" } },
    deleteUser: { id: (await make.user()).id },
    createApiKey: { body: { name: "Sample", scopes: ["read"] } },
    getApiKey: { id: apiKey.id },
    replaceApiKey: { id: apiKey.id, body: { name: "Replaced" } },
    updateApiKey: { id: apiKey.id, body: { name: "Changed" } },
    rotateApiKey: { id: apiKey.id, body: { overlap_minutes: 5 } },
    revokeApiKey: { id: apiKey.id },
    deleteApiKey: { id: (await make.apiKey()).id },
    getNextOpenings: { id: schedule.id },
    replaceSchedule: { id: schedule.id, body: { name: "Replaced", timezone: "UTC", windows: [] } },
    deleteSchedule: { id: (await make.schedule()).id },
    updateSchedule: { id: schedule.id, body: { closed_dates: ["2027-01-02"] } },
  });
});

function stepIds({ steps }: { readonly steps: readonly { readonly id: string }[] }): string[] {
  return steps.map(({ id }) => id);
}

function pathOf(operation: OperationDefinition): string {
  const sample = samples[operation.id] ?? {};
  return operation.path.replaceAll(/\{(id|version_number)\}/g, (_, name: "id" | "version_number") => {
    if (sample[name] === undefined) throw new Error(`no sample for ${operation.id}`);
    return String(sample[name]);
  });
}

describe.each(operations)("$id", (operation) => {
  const sample = () => samples[operation.id] ?? {};
  const send = (options: { key?: null; query?: string; body?: unknown } = {}) => {
    const { query = "", ...rest } = options;
    const body = "body" in options ? options.body : sample().body;
    return api.send(operation.method, `${pathOf(operation)}${query}`, {
      ...rest,
      ...(sample().headers === undefined ? {} : { headers: sample().headers }),
      ...(body === undefined ? {} : { body }),
    });
  };

  test("lets nobody in without a key, unless it is public", async () => {
    const answer = await send({ key: null });

    if (operation.auth === "key") expectProblem(answer, 401, "unauthorized");
    else expect(answer.status).toBe(operation.success);
  });

  test("refuses a query parameter that it does not know", async () => {
    const answer = await send({ query: "?surely_unknown=1" });

    expect(expectProblem(answer, 400, "invalid_query").errors).toMatchObject([{ pointer: "/surely_unknown" }]);
    expect(problemsOf(operation)).toContain("invalid_query");
  });

  test("refuses a field that it does not know", async () => {
    if (operation.method === "GET" || operation.file !== undefined) return;
    const answer = await send({ body: { ...(sample().body as object | undefined), surely_unknown: 1 } });

    expect(expectProblem(answer, 422, "validation_failed").errors).toMatchObject([{ pointer: "/surely_unknown" }]);
    expect(problemsOf(operation)).toContain("validation_failed");
  });

  test("answers as its schema says", async () => {
    const answer = await send();

    expect(answer.body).not.toHaveProperty("code");
    expect(answer.status).toBe(operation.success);
    // The others depend on the request: whether it was repeated, whether its key has a limit.
    const declared = Object.keys(successHeaders(operation));
    for (const name of ["X-Request-Id", "ETag", "Location"]) {
      expect({ name, isThere: answer.headers.has(name) }).toEqual({ name, isThere: declared.includes(name) });
    }
    if (operation.success === 201) {
      const made = await api.get(new URL(answer.headers.get("location") ?? "").pathname);
      expect(made).toMatchObject({ status: 200, body: { id: answer.body.id } });
    }
    if (operation.success === 204) return expect(answer.body).toBe("");
    expect(operation.output.safeParse(answer.body).error).toBeUndefined();
    expect(answer.headers.get("content-type")).toBe(operation.download ?? "application/json; charset=utf-8");
  });

  test("is at its path without the slash at the end as well", async () => {
    const answer = await api.send(operation.method, pathOf(operation).replace(/\/$/, ""), { key: null });

    expect(answer.status).toBe(operation.auth === "key" ? 401 : operation.success);
  });
});

test("the documentation and its document are open to everybody", async () => {
  const document = await api.send("GET", "/openapi.json", { key: null });
  expect(document.body).toMatchObject({ openapi: "3.1.0", servers: [{ url: "http://127.0.0.1:4600" }] });
  expect(Object.keys(document.body.paths)).toHaveLength(new Set(operations.map(({ path }) => path)).size);

  const home = await api.send("GET", "/", { key: null });
  expect(home.headers.get("location")).toBe("/docs");
  const docs = await api.send("GET", "/docs", { key: null });
  expect(docs.status).toBe(200);
  expect(docs.headers.get("content-security-policy")).not.toContain("upgrade-insecure-requests");
  expect((await api.send("GET", "/docs/json", { key: null })).body).toEqual(document.body);
});
