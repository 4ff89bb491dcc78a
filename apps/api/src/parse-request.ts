import type { OperationDefinition, OperationInput } from "@dripline/contract/operation";
import type { ProblemPlace } from "@dripline/contract/problem";
import { z } from "zod";
import { ProblemError } from "./problem-error.ts";

interface RawRequest {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
}

const placesMax = 50;

/** What an operation without a body takes: a field that does nothing would be taken for one that does. */
const noFields = z.strictObject({});

/**
 * Checks a request against its operation. A path that cannot name anything is 404, a wrong query 400, a wrong body 422.
 * @throws ProblemError
 */
export function parseRequest<O extends OperationDefinition>(operation: O, request: RawRequest): OperationInput<O> {
  const params = operation.params?.safeParse(request.params);
  if (params?.success === false) throw new ProblemError("not_found", "There is nothing at this path.");

  const query = operation.query?.safeParse(request.query);
  if (query?.success === false) throw invalidQuery(query.error, Object.keys(operation.query?.shape ?? {}));
  const strays = operation.query === undefined ? Object.keys(request.query ?? {}) : [];
  if (strays.length > 0) {
    throw new ProblemError("invalid_query", "This operation takes no query parameters.", {
      errors: strays.map((name) => ({
        pointer: pointerTo([name]),
        code: "unknown_parameter",
        detail: "is not a parameter",
      })),
    });
  }

  const sent = request.body === undefined ? {} : request.body; // no body at all: only what has defaults
  if (isDeeperThan(nestingMax, sent)) {
    throw new ProblemError("validation_failed", `The body is nested deeper than ${nestingMax} levels.`);
  }
  const expected = operation.body ?? (operation.file === undefined ? noFields : undefined);
  const body = expected?.safeParse(sent);
  if (body?.success === false) throw invalidBody("The body is not valid", body.error, sent, fieldsOf(operation.output));
  const given = operation.body === undefined ? undefined : body?.data;
  return { params: params?.data, query: query?.data, body: given } as OperationInput<O>;
}

function invalidQuery(error: z.ZodError, allowed: readonly string[]): ProblemError {
  const list = allowed.join(", ");
  const errors = placesIn(error, undefined, (key) => ({
    code: "unknown_parameter",
    detail: `there is no parameter "${key}"; allowed: ${list}`,
  }));
  return new ProblemError("invalid_query", `A query parameter is wrong. Allowed are: ${list}.`, { errors });
}

/** Nobody means more than this, and checking a body calls itself once per level. */
const nestingMax = 64;

/** Level by level, so that the depth that is looked for cannot be reached on the stack. */
function isDeeperThan(levelsMax: number, value: unknown): boolean {
  let level = [value];
  for (let depth = 0; depth <= levelsMax; depth++) {
    level = level.flatMap((each) => (typeof each === "object" && each !== null ? Object.values(each) : []));
    if (level.length === 0) return false;
  }
  return true;
}

/** What was found wrong in `body`, under a sentence that says what it is. */
export function invalidBody(
  what: string,
  error: z.ZodError,
  body: unknown,
  readOnly: readonly string[] = [],
): ProblemError {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    const errors = [{ pointer: "", code: "invalid", detail: "must be a JSON object" }];
    return new ProblemError("validation_failed", "The body must be a JSON object.", { errors });
  }
  const errors = placesInBody(error, body, readOnly);
  const [first] = errors;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  const detail = `${what}: ${first?.pointer || "it"} ${first?.detail}${more}.`;
  return new ProblemError("validation_failed", detail, { errors });
}

/** The places in `body` that are wrong, each with a pointer from there. */
export function placesInBody(error: z.ZodError, body: unknown, readOnly: readonly string[] = []): ProblemPlace[] {
  return placesIn(error, body, (key) => ({
    code: "unknown_field",
    detail: readOnly.includes(key) ? `"${key}" cannot be written here: leave it out` : `there is no field "${key}"`,
  }));
}

/** The members of an answer: whoever sends what they read gets told which of them are only read. */
function fieldsOf(output: z.ZodType): string[] {
  return output instanceof z.ZodObject ? Object.keys(output.shape) : [];
}

function placesIn(
  error: z.ZodError,
  input: unknown,
  unknownKey: (key: string) => { code: string; detail: string },
): ProblemPlace[] {
  return error.issues
    .flatMap((issue): ProblemPlace[] => {
      if (issue.code === "unrecognized_keys") {
        return issue.keys.map((key) => ({ pointer: pointerTo([...issue.path, key]), ...unknownKey(key) }));
      }
      if (issue.code === "invalid_type" && input !== undefined && valueAt(input, issue.path) === undefined) {
        return [{ pointer: pointerTo(issue.path), code: "required", detail: "is required" }];
      }
      const code = issue.code === "custom" && typeof issue.params?.code === "string" ? issue.params.code : "invalid";
      return [{ pointer: pointerTo(issue.path), code, detail: issue.message }];
    })
    .slice(0, placesMax);
}

/** A JSON Pointer (RFC 6901); the empty path is the whole document. */
function pointerTo(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, part) =>
      typeof inner === "object" && inner !== null && Object.hasOwn(inner, part)
        ? (inner as Record<PropertyKey, unknown>)[part]
        : undefined,
    value,
  );
}
