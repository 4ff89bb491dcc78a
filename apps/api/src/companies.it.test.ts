import { freshDatabase } from "@dripline/testkit/database";
import { expect, test } from "vitest";
import { expectProblem, makers } from "./testing/make.ts";
import { startApi } from "./testing/start-api.ts";

const { url } = await freshDatabase();
const api = await startApi(url);
const make = makers(api);

const remove = (id: string) => api.send("DELETE", `/api/v1/companies/${id}/`);
const contact = async (id: string) => (await api.get(`/api/v1/contacts/${id}/`)).body;

test("a company that is deleted leaves its contacts and the enrollments that are over, without a company", async () => {
  const [company, sequence] = [await make.company(), await make.sequence()];
  const ann = await make.contact({ company: company.id });
  const { id } = await make.enroll({ sequence_id: sequence.id, contact_id: ann.id, company_id: company.id });
  await api.post(`/api/v1/sequence-enrollments/${id}/unenroll/`, {});

  expect((await remove(company.id)).status).toBe(204);

  expect(await contact(ann.id)).toMatchObject({ company: null, company_name: null });
  expect((await api.get(`/api/v1/sequence-enrollments/${id}/`)).body).toMatchObject({
    company: null,
    status: "cancelled",
  });
});

test.each([
  ["of a contact's own", true],
  ["of the enrollment", false],
])("a company %s stays while they are on their way: their emails may name it", async (_, isOwn) => {
  const [company, sequence] = [await make.company(), await make.sequence()];
  const ann = await make.contact(isOwn ? { company: company.id } : {});
  const enrollment = { sequence_id: sequence.id, contact_id: ann.id };
  await make.enroll(isOwn ? enrollment : { ...enrollment, company_id: company.id });

  const problem = expectProblem(await remove(company.id), 409, "in_use");

  expect(problem.used_by).toEqual(["sequence-enrollments"]);
  expect((await api.get(`/api/v1/companies/${company.id}/`)).status).toBe(200);
});

test("companies are found by exact name, country and when they were created", async () => {
  const company = await make.company({ name: "Initech", country: "US" });
  await make.company({ name: "Initech Asia", country: "TH" });
  await api.database.query("update company set created_at = '2026-01-01T00:00:00Z' where id = $1", [company.id]);
  const found = async (query: string) =>
    (await api.get(`/api/v1/companies/?${query}`)).body.results.map(({ id }: { id: string }) => id);

  expect(await found("name=INITECH")).toEqual([company.id]);
  expect(await found("search=initech&country=US")).toEqual([company.id]);
  expect(await found("created_at__lt=2026-01-02T00:00:00Z")).toEqual([company.id]);
  expectProblem(await api.get("/api/v1/companies/?country=usa"), 400, "invalid_query");
});

test("whoever had a deleted company is at a new revision, so an edit of what they were is refused", async () => {
  const company = await make.company();
  const contact = await make.contact({ company: company.id });

  await api.send("DELETE", `/api/v1/companies/${company.id}/`);

  expect((await api.get(`/api/v1/contacts/${contact.id}/`)).body).toMatchObject({ company: null, revision: 2 });
});
