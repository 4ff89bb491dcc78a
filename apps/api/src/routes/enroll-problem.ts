import { unreachable } from "@dripline/domain/unreachable";
import type { EnrollResult } from "@dripline/engine/enroll";
import { ProblemError, unknownReferences } from "../problem-error.ts";

type Refusal = Exclude<EnrollResult, { kind: "enrolled" }>;

interface Asked {
  readonly sequenceId: string;
  readonly contactId: string;
  readonly companyId: string | null;
}

/** What to answer to somebody who could not be enrolled. `place`: a JSON Pointer to them in the body. */
export function enrollProblem(result: Refusal, asked: Asked, place = ""): ProblemError {
  switch (result.kind) {
    case "already_enrolled":
      return new ProblemError(
        "already_enrolled",
        `The contact was enrolled in this sequence before; the enrollment is ${result.status}.`,
        { extensions: { enrollment_id: result.enrollmentId, enrollment_status: result.status } },
      );
    case "too_soon":
      return new ProblemError(
        "re_enrollment_too_soon",
        `The contact's last enrollment ended too recently: enroll them again from ${result.availableAt.toISOString()} on.`,
        { extensions: { enrollment_id: result.enrollmentId, available_at: result.availableAt.toISOString() } },
      );
    case "refused":
      return new ProblemError(result.code, result.message);
    case "unknown":
      return unknownReferences([{ ...placeOf(result.what, asked, place), what: result.what }]);
    default:
      return unreachable(result);
  }
}

function placeOf(
  what: "sequence" | "contact" | "company",
  asked: Asked,
  place: string,
): { pointer: string; id: string } {
  switch (what) {
    case "sequence":
      return { pointer: "/sequence_id", id: asked.sequenceId };
    case "contact":
      return { pointer: `${place}/contact_id`, id: asked.contactId };
    case "company":
      return { pointer: `${place}/company_id`, id: String(asked.companyId) };
    default:
      return unreachable(what);
  }
}
