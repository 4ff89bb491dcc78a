import type { History } from "../history/history.ts";
import { accountedFor } from "./accounted-for.ts";
import { arrivedRecorded } from "./arrived-recorded.ts";
import { consent } from "./consent.ts";
import { drained } from "./drained.ts";
import { faultsStruck } from "./faults-struck.ts";
import type { Invariant } from "./invariant.ts";
import { knownMessage } from "./known-message.ts";
import { legalTransitions } from "./legal-transitions.ts";
import { orderlyProcesses } from "./orderly-processes.ts";
import { requestsAreEnrollments } from "./requests-are-enrollments.ts";
import { rightTime } from "./right-time.ts";
import { sameBytes } from "./same-bytes.ts";
import { sentArrived } from "./sent-arrived.ts";
import { singleCopy } from "./single-copy.ts";
import { stepsInOrder } from "./steps-in-order.ts";
import { windowWasHit } from "./window-was-hit.ts";

const invariants: readonly Invariant[] = [
  knownMessage,
  singleCopy,
  sameBytes,
  sentArrived,
  arrivedRecorded,
  stepsInOrder,
  legalTransitions,
  consent,
  rightTime,
  requestsAreEnrollments,
  drained,
  accountedFor,
  windowWasHit,
  faultsStruck,
  orderlyProcesses,
];

export interface Broken {
  readonly invariant: string;
  readonly violations: readonly string[];
}

/** Which invariants the run broke, and where; none if it is as promised. */
export function check(history: History): Broken[] {
  return invariants
    .map(({ name, violations }) => ({ invariant: name, violations: violations(history) }))
    .filter(({ violations }) => violations.length > 0);
}
