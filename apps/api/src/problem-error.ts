import {
  type Problem,
  type ProblemCode,
  type ProblemPlace,
  problemCodes,
  problemType,
} from "@dripline/contract/problem";

export interface ProblemDetails {
  readonly errors?: readonly ProblemPlace[];
  /** Members of the answer that only this code has, such as `enrollment_id`. */
  readonly extensions?: Readonly<Record<string, unknown>>;
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/** Ends a request with a problem. In a POST it also rolls back whatever was written so far. */
export class ProblemError extends Error {
  readonly code: ProblemCode;
  readonly details: ProblemDetails;

  constructor(code: ProblemCode, detail: string, details: ProblemDetails = {}) {
    super(detail, { cause: details.cause });
    this.code = code;
    this.details = details;
  }

  get status(): number {
    return problemCodes[this.code].status;
  }

  toProblem(requestId: string): Problem {
    const { status, title } = problemCodes[this.code];
    return {
      type: problemType(this.code),
      title,
      status,
      detail: this.message,
      code: this.code,
      ...(this.details.errors === undefined ? {} : { errors: [...this.details.errors] }),
      ...this.details.extensions,
      request_id: requestId,
    };
  }
}

/** Some ids in the body name nothing: 422, each with its place. */
export function unknownReferences(places: readonly { pointer: string; what: string; id: string }[]): ProblemError {
  return new ProblemError("validation_failed", "The body names something that does not exist.", {
    errors: places.map(({ pointer, what, id }) => ({
      pointer,
      code: "not_found",
      detail: `there is no ${what} ${id}`,
    })),
  });
}

/** The id in the path names nothing. */
export function notFound(what: string, id: string): ProblemError {
  return new ProblemError("not_found", `There is no ${what} ${id}.`);
}

/** Another one has the name in the body. */
export function nameTaken(what: string, existingId: string): ProblemError {
  return new ProblemError("name_taken", `The ${what} ${existingId} has this name already.`, {
    errors: [{ pointer: "/name", code: "taken", detail: `is the name of the ${what} ${existingId}` }],
    extensions: { existing_id: existingId },
  });
}

/** Others need what was to be deleted: `usedBy` are the resources they are among, `insteadDo` is the next move. */
export function inUse(
  insteadDo: string,
  usedBy: readonly string[],
  extensions: Readonly<Record<string, unknown>> = {},
): ProblemError {
  return new ProblemError("in_use", insteadDo, { extensions: { used_by: usedBy, ...extensions } });
}

/** What this transaction has just written, read back. */
export function found<Row>(row: Row | undefined): Row {
  if (row === undefined) throw new Error("a row that was just written cannot be read");
  return row;
}
