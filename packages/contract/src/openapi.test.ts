import { describe, expect, test } from "vitest";
import { z } from "zod";
import { openApiDocument } from "./openapi.ts";
import { defineOperation, problemsOf } from "./operation.ts";
import { operations } from "./operations.ts";
import { problemCodes } from "./problem.ts";

const document = openApiDocument({ operations, version: "0.0.0", serverUrl: "https://mail.example.com" });

test("every reference in the document leads to a component", () => {
  const text = JSON.stringify(document);
  const { schemas, headers } = document.components as { schemas: object; headers: object };
  const components = [...Object.keys(schemas), ...Object.keys(headers)];
  const references = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, target]) => target);

  expect(references.length).toBeGreaterThan(50);
  for (const target of references) {
    expect(components).toContain(target?.replace(/^#\/components\/(schemas|headers)\//, ""));
  }
});

test("two schemas of one name are refused, not merged", () => {
  const one = z.object({ a: z.string() }).meta({ id: "TestSame" });
  const other = z.object({ b: z.string() }).meta({ id: "TestSame" });
  const operation = (id: string, schema: z.ZodType) =>
    defineOperation({
      id,
      method: "GET",
      path: `/${id}/`,
      summary: id,
      tag: "t",
      auth: "public",
      success: 200,
      output: schema,
      errors: [],
    });
  expect(() =>
    openApiDocument({ operations: [operation("one", one), operation("two", other)], version: "0", serverUrl: "" }),
  ).toThrow(/TestSame/);
});

test("operations have ids and paths of their own", () => {
  const ids = operations.map(({ id }) => id);
  const places = operations.map(({ method, path }) => `${method} ${path.replaceAll(/\{[^}]+\}/g, "{}")}`);

  expect(new Set(ids).size).toBe(ids.length);
  expect(new Set(places).size).toBe(places.length);
});

describe.each(operations)("$id", (operation) => {
  const described = (document.paths as Record<string, Record<string, Record<string, object>>>)[operation.path]?.[
    operation.method.toLowerCase()
  ];

  test("is documented with a summary, its parameters and each of its errors", () => {
    expect(described).toMatchObject({ operationId: operation.id, summary: expect.stringMatching(/\S/) });
    const responses = JSON.stringify(described?.responses);
    for (const code of problemsOf(operation)) {
      expect(responses).toContain(`\`${code}\``);
      expect(described?.responses).toHaveProperty(String(problemCodes[code].status));
    }
    expect(operation.path).toMatch(/\/$/);
    const inPath = [...operation.path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name);
    expect(Object.keys(operation.params?.shape ?? {})).toEqual(inPath);
  });

  test("refuses fields and parameters that it does not know", () => {
    for (const schema of [operation.query, operation.body, operation.params]) {
      if (schema === undefined) continue;
      const codes = schema.safeParse({ surely_unknown: 1 }).error?.issues.map(({ code }) => code);
      expect(codes).toContain("unrecognized_keys");
    }
  });
});
