import { describe, expect, test } from "vitest";
import { exampleAnswer, exampleBody } from "./example.ts";
import { openApiDocument } from "./openapi.ts";
import { operations } from "./operations.ts";
import { Problem } from "./problem.ts";

const document = openApiDocument({ operations, version: "0.0.0", serverUrl: "https://mail.example.com" });

interface Content {
  readonly [type: string]: { readonly example?: unknown; readonly examples?: Record<string, { value: unknown }> };
}
interface Described {
  readonly requestBody?: { readonly content: Content };
  readonly responses: Record<string, { readonly content?: Content }>;
}

describe.each(operations)("$id", (operation) => {
  const described = (document.paths as Record<string, Record<string, Described>>)[operation.path]?.[
    operation.method.toLowerCase()
  ];

  test("gives an example of its body, which it takes", () => {
    if (operation.body === undefined) return;
    const example = exampleBody(operation);

    expect(example, "give its body .meta({ examples: [ … ] })").toBeDefined();
    expect(operation.body.safeParse(example).error).toBeUndefined();
    expect(described?.requestBody?.content["application/json"]?.example).toEqual(example);
  });

  test("gives an example of its answer, which is one", () => {
    if (operation.success === 204) return;
    const example = exampleAnswer(operation);

    expect(operation.output.safeParse(example).error).toBeUndefined();
    expect(exampleAnswer(operation)).toEqual(example);
    expect(described?.responses[operation.success]?.content).toMatchObject({
      [operation.download?.replace(/;.*/, "") ?? "application/json"]: { example },
    });
  });

  test("gives an example of each of its errors", () => {
    const refusals = Object.entries(described?.responses ?? {}).filter(([status]) => Number(status) >= 400);
    const examples = refusals.flatMap(([, { content }]) =>
      Object.values(content?.["application/problem+json"]?.examples ?? {}),
    );

    expect(examples.length).toBeGreaterThan(0);
    for (const { value } of examples) expect(Problem.safeParse(value).error).toBeUndefined();
  });
});
