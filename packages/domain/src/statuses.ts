import { z } from "zod";

export const SequenceStatus = z.enum(["active", "paused", "archived"]);
export type SequenceStatus = z.infer<typeof SequenceStatus>;

export const EnrollmentStatus = z.enum(["active", "paused", "completed", "unsubscribed", "cancelled"]);
export type EnrollmentStatus = z.infer<typeof EnrollmentStatus>;

/**
 * Where one step of one enrollment stands, and what a crash in that state leaves behind:
 *
 * - `pending`: exists, but has no timer (`holdReason` says why). A crash leaves it so.
 * - `scheduled`: waits for `scheduledFor`. If its wake-up is lost, a sweep finds the row when it is due.
 * - `sending`: one worker holds it under a lease. Phase `claimed`: nothing left this machine, so the row goes back to
 *   `scheduled` when the lease ends. Phase `data`: the first body byte may have left, so it becomes `in_doubt`.
 * - `sent`: the server's "250" is recorded. Final.
 * - `in_doubt`: the process or the connection died after the first body byte and before the "250" was recorded. Listed
 *   until an operator settles it, as sent or sent again, or its worker comes back with a late "250". A crash leaves it so.
 * - `failed`: refused for good, or attempts used up. Waits for an operator (`dripline retry`).
 * - `skipped`: will not be sent; an event says why. Final.
 *
 * The arrows, who moves them and in which file: docs/states.md.
 */
export const ExecutionStatus = z.enum(["pending", "scheduled", "sending", "sent", "failed", "in_doubt", "skipped"]);
export type ExecutionStatus = z.infer<typeof ExecutionStatus>;

/**
 * What happens to an email of which nobody can know whether it was delivered: `advance` = at most once, the next step
 * follows; `resend` = at least once, the same message goes out again; `hold` = an operator decides.
 */
export const InDoubtPolicy = z.enum(["advance", "resend", "hold"]);
export type InDoubtPolicy = z.infer<typeof InDoubtPolicy>;

/** What happens to an email that is later than its step's `max_lateness`. */
export const LatePolicy = z.enum(["send", "skip", "hold"]);
export type LatePolicy = z.infer<typeof LatePolicy>;

/** Whether somebody whose enrollment has ended may be enrolled in the same sequence again. */
export const ReEnrollment = z.enum(["never", "after_end"]);
export type ReEnrollment = z.infer<typeof ReEnrollment>;
