import { groupBy } from "../group-by.ts";
import type { EnrollRequest } from "../history/history.ts";
import type { Invariant } from "./invariant.ts";

/** Every request that was answered "yes" is an enrollment, each key is one, and there is no other; each has a first step. */
export const requestsAreEnrollments: Invariant = {
  name: "requests are enrollments",
  violations({ requests, enrollments, executions }) {
    const rows = new Map(enrollments.map((enrollment) => [enrollment.id, enrollment]));
    const opened = new Set(executions.map(({ enrollmentId }) => enrollmentId));
    const byKey = groupBy(requests, ({ key }) => key);
    const answered = [...byKey].flatMap(([key, ofKey]) => faultsOf(key, ofKey, rows));
    const asked = new Set(requests.map(({ enrollmentId }) => enrollmentId));
    return [
      ...answered,
      ...enrollments.flatMap(({ id, recipient }) =>
        asked.has(id) ? [] : [`enrollment ${id} of ${recipient} exists, and no request was ever answered with it`],
      ),
      ...enrollments.flatMap(({ id }) => (opened.has(id) ? [] : [`enrollment ${id} has no execution: half-written`])),
    ];
  },
};

function faultsOf(
  key: string,
  requests: readonly EnrollRequest[],
  rows: ReadonlyMap<string, { readonly recipient: string }>,
): string[] {
  const ids = new Set(requests.flatMap(({ enrollmentId }) => enrollmentId ?? []));
  const recipient = requests[0]?.recipient ?? "";
  const faults: string[] = [];
  if (ids.size > 1) faults.push(`key ${key} was answered with ${ids.size} enrollments: ${[...ids].join(", ")}`);
  for (const id of ids) {
    if (rows.get(id)?.recipient !== recipient)
      faults.push(`key ${key} was answered 201 with ${id}, which is not there`);
  }
  if (ids.size === 0) faults.push(`key ${key} never got its 201: ${requests.at(-1)?.status} ${requests.at(-1)?.code}`);
  const refused = requests.find(
    ({ status, code }) => status !== null && status < 500 && status !== 201 && !isWait(code),
  );
  if (refused !== undefined) faults.push(`key ${key} was answered ${refused.status} ${refused.code}`);
  return faults;
}

function isWait(code: string | null): boolean {
  return code === "idempotency_in_progress" || code === "sequence_changed";
}
