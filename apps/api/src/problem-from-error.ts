import { isDatabaseUnavailable } from "@dripline/db/database";
import { InvalidPositionError } from "@dripline/db/queries/keyset";
import { invalidCursor } from "./cursor.ts";
import { ProblemError } from "./problem-error.ts";

const retryAfterSeconds = 5;

/**
 * What to answer to an error of any kind. Nothing that was not written for the caller gets out: an unexpected error is an
 * `internal_error`, and its own words go to the log only.
 */
export function problemFromError(error: unknown, { bodyBytesMax }: { readonly bodyBytesMax: number }): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof InvalidPositionError) return invalidCursor(error);
  if (isDatabaseUnavailable(error)) {
    return new ProblemError(
      "database_unavailable",
      "The database does not answer. Nothing is lost; try again shortly.",
      {
        retryAfterSeconds,
        cause: error,
      },
    );
  }
  return problemFromFastify(error, bodyBytesMax) ?? internalError(error);
}

function internalError(cause: unknown): ProblemError {
  const detail = "Something went wrong on the server. The request id finds it in the log.";
  return new ProblemError("internal_error", detail, { cause });
}

function problemFromFastify(error: unknown, bodyBytesMax: number): ProblemError | undefined {
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown };
  switch (code) {
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return new ProblemError(
        "unsupported_media_type",
        "Send the body as JSON, with Content-Type: application/json. A file of contacts goes to its import: PUT /api/v1/imports/{id}/file/.",
      );
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return new ProblemError(
        "payload_too_large",
        `The body is longer than the ${bodyBytesMax} bytes that are taken here.`,
      );
    case "FST_ERR_CTP_EMPTY_JSON_BODY":
      return new ProblemError("malformed_json", "The body is empty, and not JSON as its Content-Type says.");
    case "FST_ERR_CTP_INVALID_JSON_BODY":
      return new ProblemError("malformed_json", "The body is not valid JSON.");
    case "FST_ERR_CTP_INVALID_CONTENT_LENGTH":
      return new ProblemError("malformed_json", "The body is not as long as its Content-Length says.");
    default:
      // secure-json-parse (a syntax error, or "__proto__" in an object) and undecodable paths come without a code.
      if (error instanceof SyntaxError && statusCode === 400) {
        return new ProblemError("malformed_json", `The body is not valid JSON: ${error.message}.`);
      }
      return undefined;
  }
}
