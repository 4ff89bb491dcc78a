import type { EnrollmentStatus } from "./statuses.ts";

/**
 * Whether an operator can let an email in doubt be sent again: as long as its enrollment is live, and after it was
 * completed if it had gone on from this email before. Nobody who was taken out since gets another copy.
 */
export function maySendAgain(enrollmentStatus: EnrollmentStatus, hasAdvanced: boolean): boolean {
  switch (enrollmentStatus) {
    case "active":
    case "paused":
      return true;
    case "completed":
      return hasAdvanced;
    case "cancelled":
    case "unsubscribed":
      return false;
  }
}
