import { describe, expect, test } from "vitest";
import { z } from "zod";
import { openApiDocument } from "./openapi.ts";
import { allows, defineOperation, problemsOf, type Scope, scopeOf, scopes } from "./operation.ts";
import { operations } from "./operations.ts";

test.each<[Scope, readonly Scope[]]>([
  ["read", ["read"]],
  ["enroll", ["enroll"]],
  ["write", ["read", "enroll", "write"]],
  ["admin", ["read", "enroll", "write", "admin"]],
])("a key with the scope %s is allowed to: %j", (held, allowed) => {
  expect(scopes.filter((needed) => allows([held], needed))).toEqual(allowed);
});

test("several scopes allow what any of them does, and none allows nothing but what any key may", () => {
  expect(scopes.filter((needed) => allows(["read", "enroll"], needed))).toEqual(["read", "enroll"]);
  expect(scopes.filter((needed) => allows([], needed))).toEqual([]);
  expect(allows(["enroll"], "any")).toBe(true);
});

test("what is not said to be public takes a key, and by default the scope read to look and write to change", () => {
  const shape = { id: "x", path: "/x/", summary: "x", tag: "x", success: 200, output: z.null(), errors: [] } as const;
  const scope = (fields: object) => scopeOf({ ...shape, method: "POST", auth: "key", ...fields });

  expect(scope({ method: "GET" })).toBe("read");
  expect(scope({})).toBe("write");
  expect(scope({ writes: false })).toBe("read");
  expect(scope({ scope: "admin" })).toBe("admin");
  expect(scope({ auth: "public" })).toBeUndefined();
});

test("whoever can make users or keys, or end them, may do everything: nobody can hand out more than they have", () => {
  const guarded = operations.filter(({ tag }) => tag === "users" || tag === "api-keys");

  expect(guarded.length).toBeGreaterThan(10);
  for (const operation of guarded) expect(scopeOf(operation), operation.id).toBe("admin");
});

describe("an operation that is deprecated", () => {
  const operation = defineOperation({
    id: "listOldThings",
    method: "GET",
    path: "/old-things/",
    summary: "List old things",
    tag: "t",
    auth: "key",
    scope: "any",
    success: 200,
    output: z.null(),
    deprecated: { since: "2027-01-01", sunset: "2027-07-01", successor: "/new-things/" },
    errors: [],
  });

  test("is marked in the document, with the dates and what takes its place", () => {
    const { paths } = openApiDocument({ operations: [operation], version: "0", serverUrl: "" }) as {
      paths: Record<string, { get: { deprecated?: boolean; description: string } }>;
    };
    expect(paths["/old-things/"]?.get).toMatchObject({
      deprecated: true,
      description: expect.stringMatching(/2027-01-01.*2027-07-01.*`\/new-things\/`/),
    });
  });

  test("that any key may ask for cannot answer that a scope is missing", () => {
    expect(problemsOf(operation)).toContain("unauthorized");
    expect(problemsOf(operation)).not.toContain("insufficient_scope");
  });
});
