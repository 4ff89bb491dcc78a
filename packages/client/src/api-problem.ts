import { Problem, type ProblemCode, type ProblemPlace } from "@dripline/contract/problem";

/** The API refused a request, and said why: problem details (RFC 9457). */
export class ApiProblem extends Error {
  override readonly name = "ApiProblem";
  readonly status: number;
  /** Stable: what to decide by. A server that is newer than this client may have codes that this one does not know. */
  readonly code: ProblemCode | (string & {});
  /** What is wrong this time, for people. */
  readonly detail: string;
  /** Each place in the request that is wrong. */
  readonly errors: readonly ProblemPlace[];
  /** Finds the request in the server's log. */
  readonly requestId: string;
  /** The whole answer, with the members that only some codes have, such as `existing_id`. */
  readonly problem: Readonly<Record<string, unknown>>;

  constructor(problem: ProblemAnswer) {
    super(`${problem.status} ${problem.code}: ${problem.detail}`);
    this.status = problem.status;
    this.code = problem.code;
    this.detail = problem.detail;
    this.errors = problem.errors ?? [];
    this.requestId = problem.request_id;
    this.problem = { ...problem };
  }
}

type ProblemAnswer = Pick<Problem, "status" | "detail" | "errors" | "request_id"> & { readonly code: string };

/** A body as a problem, if it is one; undefined for what something between the client and the API answered. */
export function readProblem(body: unknown): ApiProblem | undefined {
  const code = (body as { code?: unknown } | null | undefined)?.code;
  // A code of tomorrow is a code all the same; everything else has to be as the contract says.
  const read = Problem.omit({ code: true }).safeParse(body);
  return read.success && typeof code === "string" ? new ApiProblem({ ...read.data, code }) : undefined;
}
