import { z } from "zod";
import { exampleAnswer, exampleBody, exampleProblem } from "./example.ts";
import { type OperationDefinition, problemsOf, scopeOf } from "./operation.ts";
import { Problem, type ProblemCode, problemCodes } from "./problem.ts";
import { problemHeaders, responseHeaders, successHeaders } from "./response-headers.ts";

type Json = Record<string, unknown>;

export interface OpenApiOptions {
  readonly operations: readonly OperationDefinition[];
  readonly version: string;
  /** Where the server is, without a slash at the end. */
  readonly serverUrl: string;
}

/**
 * The OpenAPI 3.1 document of these operations. Schemas with an id become components.
 * @throws when two different schemas have the same id.
 */
export function openApiDocument({ operations, version, serverUrl }: OpenApiOptions): Json {
  const components = new Components();
  const problemSchema = components.schema(Problem);
  const paths: Record<string, Json> = {};
  for (const operation of operations) {
    paths[operation.path] ??= {};
    Object.assign(paths[operation.path] ?? {}, {
      [operation.method.toLowerCase()]: describeOperation(operation, components, problemSchema),
    });
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Dripline",
      version,
      description: introduction,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: serverUrl }],
    tags: [...new Set(operations.map((operation) => operation.tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: components.all(),
      headers: responseHeaders,
      securitySchemes: { apiKey: { type: "http", scheme: "bearer", description: "An API key: `dk_…`" } },
    },
  };
}

const introduction = `Durable email sequences: enroll a contact once, and every step reaches them at the right moment, once, with a record of why.

Errors are problem details (RFC 9457) with a stable \`code\`:

| code | status | meaning |
|---|---|---|
${Object.entries(problemCodes)
  .map(([code, { status, meaning }]) => `| \`${code}\` | ${status} | ${meaning} |`)
  .join("\n")}`;

function describeOperation(operation: OperationDefinition, components: Components, problemSchema: Json): Json {
  const { id, summary, description, tag, auth, success, output, download } = operation;
  return {
    operationId: id,
    summary,
    description: [description, scopeSentence(operation), deprecationSentence(operation)]
      .filter((text) => text !== undefined)
      .join("\n\n"),
    tags: [tag],
    ...(operation.deprecated === undefined ? {} : { deprecated: true }),
    security: auth === "key" ? [{ apiKey: [] }] : [],
    parameters: [
      ...parameters(operation.params, "path", components),
      ...parameters(operation.query, "query", components),
      ...(operation.method === "POST" && operation.writes !== false ? [idempotencyKey] : []),
      ...(operation.takesIfMatch ? [ifMatch] : []),
    ],
    ...requestBody(operation, components),
    responses: {
      [success]:
        success === 204
          ? { description: "Success; the answer is empty", headers: successHeaders(operation) }
          : {
              description: "Success",
              headers: successHeaders(operation),
              content: {
                [mediaType(download)]: { schema: components.schema(output), ...given(exampleAnswer(operation)) },
              },
            },
      ...problems(operation, problemSchema),
    },
  };
}

function requestBody(operation: OperationDefinition, components: Components): Json {
  const { body, file } = operation;
  if (file !== undefined) {
    const content = Object.fromEntries(file.contentTypes.map((type) => [type, { schema: { type: "string" } }]));
    return { requestBody: { required: true, content } };
  }
  if (body === undefined) return {};
  const content = { "application/json": { schema: components.schema(body), ...given(exampleBody(operation)) } };
  return { requestBody: { required: true, content } };
}

function mediaType(contentType = "application/json"): string {
  return contentType.replace(/;.*/, "");
}

function given(example: unknown): Json {
  return example === undefined ? {} : { example };
}

function scopeSentence(operation: OperationDefinition): string {
  const scope = scopeOf(operation);
  if (scope === undefined) return "Open to everybody.";
  return scope === "any" ? "Any valid API key will do." : `Needs an API key with the scope \`${scope}\`.`;
}

function deprecationSentence({ deprecated }: OperationDefinition): string | undefined {
  if (deprecated === undefined) return undefined;
  const { since, sunset, successor } = deprecated;
  return [
    `Deprecated since ${since}.`,
    ...(sunset === undefined ? [] : [`From ${sunset} on it may be gone.`]),
    ...(successor === undefined ? [] : [`\`${successor}\` takes its place.`]),
  ].join(" ");
}

const idempotencyKey = {
  name: "Idempotency-Key",
  in: "header",
  required: false,
  description:
    "Makes a repeated request harmless: the stored answer of the first success comes back, with `Idempotency-Replayed: true`. A refused request wrote nothing and is not stored.",
  schema: { type: "string", minLength: 1, maxLength: 255 },
};

const ifMatch = {
  name: "If-Match",
  in: "header",
  required: false,
  description:
    'The ETag of what you edit as you read it, such as `"7"`: if somebody edited it since, nothing is written and the answer is a 412. RFC 9110, section 13.1.1.',
  schema: { type: "string" },
};

function parameters(schema: z.ZodObject | undefined, place: "path" | "query", components: Components): Json[] {
  if (schema === undefined) return [];
  return Object.entries(schema.shape).map(([name, field]) => {
    const { description, ...rest } = components.schema(field as z.ZodType);
    return {
      name,
      in: place,
      required: place === "path",
      ...(description === undefined ? {} : { description }),
      schema: rest,
    };
  });
}

function problems(operation: OperationDefinition, problemSchema: Json): Json {
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of problemsOf(operation)) {
    const { status } = problemCodes[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      status,
      {
        description: codes.map((code) => `\`${code}\`: ${problemCodes[code].meaning}`).join("\n\n"),
        headers: problemHeaders(operation, status),
        content: {
          "application/problem+json": {
            schema: { allOf: [problemSchema, { properties: { code: { enum: codes } } }] },
            examples: Object.fromEntries(codes.map((code) => [code, { value: exampleProblem(code) }])),
          },
        },
      },
    ]),
  );
}

/** Collects the schemas that have a name of their own. */
class Components {
  readonly #schemas = new Map<string, Json>();

  /** The JSON Schema of what is on the wire: for codecs and defaults that is their input. */
  schema(schema: z.ZodType): Json {
    const { $schema: _, $defs, ...root } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Json;
    for (const [name, definition] of Object.entries(($defs as Record<string, Json> | undefined) ?? {})) {
      this.#add(name, refer(definition));
    }
    return refer(root);
  }

  all(): Json {
    return Object.fromEntries([...this.#schemas].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #add(name: string, schema: Json): void {
    const known = this.#schemas.get(name);
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(schema)) {
      throw new Error(`Two different schemas have the id ${name}: name one of them otherwise.`);
    }
    this.#schemas.set(name, schema);
  }
}

function refer(schema: Json): Json {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/')) as Json;
}
