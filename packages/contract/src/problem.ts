import { z } from "zod";

/**
 * Every code that an answer's `code` can have: its one status, a short title, and what it means to whoever gets it. Codes
 * are stable; sentences in `detail` are for people and may change.
 */
export const problemCodes = {
  malformed_json: {
    status: 400,
    title: "Malformed JSON",
    meaning: "The body is not JSON.",
  },
  invalid_query: {
    status: 400,
    title: "Invalid query parameter",
    meaning: "A query parameter is unknown or has an impossible value; `errors` lists which, and what is allowed.",
  },
  invalid_header: {
    status: 400,
    title: "Invalid header",
    meaning: "A request header, such as `Idempotency-Key`, has an impossible value.",
  },
  malformed_request: {
    status: 400,
    title: "Malformed request",
    meaning: "What came over the connection is not HTTP/1.1; the connection was closed.",
  },
  unauthorized: {
    status: 401,
    title: "Unauthorized",
    meaning: "No API key was sent, or it is unknown, expired or revoked.",
  },
  insufficient_scope: {
    status: 403,
    title: "Insufficient scope",
    meaning:
      "The API key is valid, but not allowed to do this; `required_scope` says what it would have to be allowed to.",
  },
  not_found: {
    status: 404,
    title: "Not found",
    meaning: "There is nothing at this path.",
  },
  method_not_allowed: {
    status: 405,
    title: "Method not allowed",
    meaning:
      "There is something at this path, but not with this method; the header `Allow` lists those that there are.",
  },
  already_enrolled: {
    status: 409,
    title: "Already enrolled",
    meaning: "The contact was enrolled in this sequence before; `enrollment_id` names the enrollment.",
  },
  re_enrollment_too_soon: {
    status: 409,
    title: "Re-enrollment too soon",
    meaning:
      "The contact's last enrollment ended within the sequence's cool-down; `available_at` says when it is over.",
  },
  sequence_changed: {
    status: 409,
    title: "Sequence changed",
    meaning: "The sequence or the contact was changed at the same moment. Nothing was written; send the request again.",
  },
  email_taken: {
    status: 409,
    title: "Email address taken",
    meaning: "A contact or user with this address exists, in whatever letter case; `existing_id` names it.",
  },
  name_taken: {
    status: 409,
    title: "Name taken",
    meaning: "Another one has this name, in whatever letter case; `existing_id` names it.",
  },
  in_use: {
    status: 409,
    title: "In use",
    meaning:
      "It cannot be deleted, because others need it: `used_by` says which, and `detail` what to do instead. Nothing was changed.",
  },
  mail_not_configured: {
    status: 409,
    title: "Mail not configured",
    meaning:
      "The API knows no mail server or no sender, so it cannot send a test: set `SMTP_URL` and `MAIL_FROM` where it runs, and start it again.",
  },
  step_number_taken: {
    status: 409,
    title: "Step number taken",
    meaning: "The sequence has a step with this number; `existing_id` names it.",
  },
  no_draft: {
    status: 409,
    title: "No draft",
    meaning:
      "The sequence has no draft, so there is nothing to publish: it was published or discarded, or never edited.",
  },
  enrollment_not_live: {
    status: 409,
    title: "Enrollment not live",
    meaning: "The enrollment has ended, or already is in the state asked for; `enrollment_status` says which.",
  },
  enrollment_live: {
    status: 409,
    title: "Enrollment live",
    meaning:
      "The enrollment is not over, so it cannot be deleted: it is active or paused, which `enrollment_status` says, or one of its emails can still go out or is in doubt; `open_executions` names those.",
  },
  execution_not_in_doubt: {
    status: 409,
    title: "Execution not in doubt",
    meaning: "There is nothing to settle: what it is instead is in `execution_status`. Nothing was changed.",
  },
  execution_status_conflict: {
    status: 409,
    title: "Execution in another state",
    meaning:
      "The execution is in a state that this does not leave: `execution_status` says in which, and `hold_reason` what a pending one waits for. Nothing was changed.",
  },
  window_closed: {
    status: 409,
    title: "Sending window closed",
    meaning:
      "No sending window is open at that moment; `opens_at` says when the next one opens, and is null if none does within 400 days. Reschedule to then, or change the schedule.",
  },
  already_suppressed: {
    status: 409,
    title: "Already suppressed",
    meaning: "The address is on the suppression list, in whatever letter case; `existing_id` names the entry.",
  },
  message_unavailable: {
    status: 409,
    title: "Message unavailable",
    meaning:
      "The message cannot be rendered again; `reason` says why: `template_version_gone`, or `not_renderable` with what was kept.",
  },
  sequence_archived: {
    status: 409,
    title: "Sequence archived",
    meaning: "The sequence is archived, and an archived sequence cannot be paused.",
  },
  api_key_revoked: {
    status: 409,
    title: "API key revoked",
    meaning: "The API key is revoked, and that is for good: create another one.",
  },
  wrong_import_status: {
    status: 409,
    title: "Wrong import status",
    meaning: "The import is not in a state for this; `import_status` says in which it is. Nothing was changed.",
  },
  idempotency_in_progress: {
    status: 409,
    title: "Request in progress",
    meaning: "A request with this `Idempotency-Key` is being worked on. Send it again after `Retry-After` seconds.",
  },
  precondition_failed: {
    status: 412,
    title: "Precondition failed",
    meaning:
      "`If-Match` names another revision than it has now, which is in `revision`: somebody edited it since you read it. Nothing was written.",
  },
  request_timeout: {
    status: 408,
    title: "Request timeout",
    meaning:
      "The request did not arrive in time; the connection was closed. Nothing was done, so it can be sent again.",
  },
  payload_too_large: {
    status: 413,
    title: "Body too large",
    meaning: "The body is longer than this operation takes.",
  },
  unsupported_media_type: {
    status: 415,
    title: "Unsupported media type",
    meaning: "The body is not of the type that the operation takes: `application/json`, or that of a file.",
  },
  validation_failed: {
    status: 422,
    title: "Validation failed",
    meaning: "The body is JSON, but not what this operation takes; `errors` names each place.",
  },
  template_invalid: {
    status: 422,
    title: "Template does not compile",
    meaning: "The MJML or the Liquid in the template does not compile; `errors` has line and column of each problem.",
  },
  template_not_renderable: {
    status: 422,
    title: "Template cannot be rendered",
    meaning:
      "For this contact the email would be held and not sent: `reason` says why, such as `missing_variable`, `variable` what has no value, and `part` where.",
  },
  sequence_not_active: {
    status: 422,
    title: "Sequence not active",
    meaning: "The sequence is paused or archived, so nobody can be enrolled.",
  },
  sequence_without_steps: {
    status: 422,
    title: "Sequence without steps",
    meaning: "The version has no active step, so nobody can be enrolled in it and it cannot be published.",
  },
  contact_opted_out: {
    status: 422,
    title: "Contact opted out",
    meaning: "The contact has opted out of email, so they cannot be enrolled.",
  },
  contact_suppressed: {
    status: 422,
    title: "Contact suppressed",
    meaning: "The contact's address is on the suppression list, so they cannot be enrolled.",
  },
  items_refused: {
    status: 422,
    title: "Items refused",
    meaning:
      "Some items cannot be enrolled, so in `strict` mode nobody was; `errors` names each with the code that it would get alone.",
  },
  too_many_matches: {
    status: 422,
    title: "Too many matches",
    meaning:
      "The filter matches more than one call takes: `count` and `count_max` say how many. Nothing was changed; narrow the filter and make several calls.",
  },
  idempotency_key_reused: {
    status: 422,
    title: "Idempotency key reused",
    meaning: "This `Idempotency-Key` was used for another request. Take a new one.",
  },
  headers_too_large: {
    status: 431,
    title: "Headers too large",
    meaning: "Path and headers together are longer than 16 KiB; the connection was closed.",
  },
  rate_limited: {
    status: 429,
    title: "Too many requests",
    meaning:
      "This API key has sent more requests than it may in a minute, or this address too many without a valid key. Send it again after `Retry-After` seconds.",
  },
  internal_error: {
    status: 500,
    title: "Internal error",
    meaning: "Something went wrong on the server. `request_id` finds it in the log.",
  },
  not_ready: {
    status: 503,
    title: "Not ready",
    meaning: "This process cannot answer requests now; `checks` says why.",
  },
  database_unavailable: {
    status: 503,
    title: "Database unavailable",
    meaning: "The database does not answer. Send the request again after `Retry-After` seconds.",
  },
} as const satisfies Record<string, { status: number; title: string; meaning: string }>;

export type ProblemCode = keyof typeof problemCodes;
export const ProblemCode = z.enum(Object.keys(problemCodes) as [ProblemCode, ...ProblemCode[]]);

/** One place in the request that is wrong. */
export const ProblemPlace = z
  .looseObject({
    pointer: z.string().describe("JSON Pointer (RFC 6901) into the body, or `/name` of a query parameter"),
    detail: z.string(),
    code: z.string().describe("Stable, such as `required`, `unknown_field`, `invalid`, `duplicate`, `not_found`"),
    line: z.int().optional().describe("1-based, for templates"),
    column: z.int().optional().describe("1-based, for templates"),
  })
  .meta({ id: "ProblemPlace" });
export type ProblemPlace = z.infer<typeof ProblemPlace>;

/** The body of every answer that is not a success: problem details, RFC 9457. */
export const Problem = z
  .looseObject({
    type: z.string().describe("A URI for the kind of problem"),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe("What is wrong this time, and what to do"),
    code: ProblemCode,
    errors: z.array(ProblemPlace).optional(),
    request_id: z.string(),
  })
  .meta({ id: "Problem", description: "Problem details (RFC 9457)" });
export type Problem = z.infer<typeof Problem>;

/** The `type` of a problem: a name, not an address, so that it stays the same wherever Dripline is hosted. */
export function problemType(code: ProblemCode): string {
  return `urn:dripline:problem:${code}`;
}
