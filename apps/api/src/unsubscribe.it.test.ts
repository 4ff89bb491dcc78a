import { unsubscribeToken } from "@dripline/mail/unsubscribe-token";
import { freshDatabase } from "@dripline/testkit/database";
import { expect, test } from "vitest";
import { makers, nobody } from "./testing/make.ts";
import { startApi, testNow, testSecret } from "./testing/start-api.ts";

const { url } = await freshDatabase();
const api = await startApi(url);
const make = makers(api);

async function enrolled() {
  const [sequence, contact] = [await make.sequence(), await make.contact()];
  const enrollment = await make.enroll({ sequence_id: sequence.id, contact_id: contact.id });
  const path = `/u/${unsubscribeToken(enrollment.step_executions[0].id, testSecret)}`;
  const state = async () => ({
    optedOutAt: (await api.get(`/api/v1/contacts/${contact.id}/`)).body.opted_out_at,
    status: (await api.get(`/api/v1/sequence-enrollments/${enrollment.id}/`)).body.status,
  });
  return { path, state };
}

const oneClick = { key: null, body: "List-Unsubscribe=One-Click" };
const form = { "content-type": "application/x-www-form-urlencoded" };

test("looking at the link changes nothing and shows a button", async () => {
  const { path, state } = await enrolled();

  const page = await api.send("GET", path, { key: null });
  await api.send("HEAD", path, { key: null });

  expect(page.status).toBe(200);
  expect(page.body).toMatch(/<form method="post"><button>Unsubscribe<\/button>/);
  expect(page.headers.get("referrer-policy")).toBe("no-referrer");
  expect(await state()).toEqual({ optedOutAt: null, status: "active" });
});

test.each([
  ["a form, as RFC 8058 says", form, "List-Unsubscribe=One-Click"],
  ["multipart", { "content-type": "multipart/form-data; boundary=b" }, "--b\r\n\r\nx\r\n--b--\r\n"],
  ["JSON that is none", { "content-type": "application/json" }, "{"],
])("a POST opts out at once, whatever its body is: %s", async (_, headers, body) => {
  const { path, state } = await enrolled();

  const answer = await api.send("POST", path, { key: null, headers, body });

  expect(answer.status).toBe(200);
  expect(await state()).toEqual({ optedOutAt: testNow.toISOString(), status: "unsubscribed" });
});

test("a POST without a body opts out as well", async () => {
  const { path, state } = await enrolled();

  expect((await api.send("POST", path, { key: null })).status).toBe(200);
  expect((await state()).status).toBe("unsubscribed");
});

test("opting out again changes nothing", async () => {
  const { path, state } = await enrolled();
  await api.send("POST", path, { ...oneClick, headers: form });
  const before = await state();

  expect((await api.send("POST", path, { ...oneClick, headers: form })).status).toBe(200);
  expect(await state()).toEqual(before);
});

test("a link that was tampered with does nothing", async () => {
  const { path, state } = await enrolled();
  const forged = `${path.slice(0, -1)}${path.endsWith("A") ? "B" : "A"}`;

  for (const method of ["GET", "POST"]) {
    expect((await api.send(method, forged, { key: null })).status).toBe(404);
    expect((await api.send(method, "/u/nonsense", { key: null })).status).toBe(404);
  }
  expect((await state()).status).toBe("active");
});

test("a link whose records are gone is answered all the same", async () => {
  const answer = await api.send("POST", `/u/${unsubscribeToken(nobody, testSecret)}`, { ...oneClick, headers: form });

  expect(answer.status).toBe(200);
});

test("the token does not get into the log", async () => {
  const { path } = await enrolled();
  await api.send("GET", path, { key: null });

  expect(api.log.join()).toContain("/u/:token");
  expect(api.log.join()).not.toContain(path);
});
