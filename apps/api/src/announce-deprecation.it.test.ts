import { defineOperation } from "@dripline/contract/operation";
import { freshDatabase } from "@dripline/testkit/database";
import { expect, test } from "vitest";
import { z } from "zod";
import { ProblemError } from "./problem-error.ts";
import { serve } from "./serve.ts";
import { expectProblem } from "./testing/make.ts";
import { startApi } from "./testing/start-api.ts";

const { url } = await freshDatabase();

const shape = {
  method: "GET",
  summary: "Old",
  tag: "old",
  auth: "key",
  success: 200,
  output: z.strictObject({}),
  errors: [],
} as const;

const api = await startApi(url, {}, (app, deps) => {
  const deprecated = { since: "2027-01-01", sunset: "2027-07-01", successor: "/api/v1/new-things/" } as const;
  serve(app, deps, defineOperation({ ...shape, id: "old", path: "/api/v1/old-things/", deprecated }), async () => ({}));
  const broken = defineOperation({ ...shape, id: "bad", path: "/api/v1/bad-things/", deprecated });
  serve(app, deps, broken, async () => {
    throw new ProblemError("not_found", "There is none.");
  });
  const quiet = defineOperation({
    ...shape,
    id: "plain",
    path: "/api/v1/plain-old/",
    deprecated: { since: "2027-01-01" },
  });
  serve(app, deps, quiet, async () => ({}));
});

const announced = (headers: Headers) => ["deprecation", "sunset", "link"].map((name) => headers.get(name));
const all = [
  "@1798761600", // 2027-01-01T00:00:00Z
  "Thu, 01 Jul 2027 00:00:00 GMT",
  '<http://127.0.0.1:4600/api/v1/new-things/>; rel="successor-version", <http://127.0.0.1:4600/docs>; rel="deprecation"; type="text/html"',
];

test("each answer of an operation that is deprecated says since when, until when, and what takes its place", async () => {
  const answer = await api.get("/api/v1/old-things/");

  expect(answer.status).toBe(200);
  expect(announced(answer.headers)).toEqual(all);
});

test("a refusal says so too", async () => {
  const [unauthorized, missing] = [
    await api.send("GET", "/api/v1/old-things/", { key: null }),
    await api.get("/api/v1/bad-things/"),
  ];

  expectProblem(unauthorized, 401, "unauthorized");
  expectProblem(missing, 404, "not_found");
  for (const { headers } of [unauthorized, missing]) expect(announced(headers)).toEqual(all);
});

test("what is not known yet is left out", async () => {
  const { headers } = await api.get("/api/v1/plain-old/");
  expect(announced(headers)).toEqual([
    "@1798761600",
    null,
    '<http://127.0.0.1:4600/docs>; rel="deprecation"; type="text/html"',
  ]);
});

test("an operation that stays says nothing of it", async () => {
  expect(announced((await api.get("/api/v1/contacts/")).headers)).toEqual([null, null, null]);
});
