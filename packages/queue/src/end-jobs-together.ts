import type { PgQueryResult } from "bullmq";
import { turn } from "./fetch-in-turn.ts";
import { inBatches } from "./in-batches.ts";

/** What `move_to_completed_fetch` takes for one job, in its order: queue, id, token and so on. */
type JobEnd = readonly unknown[];

interface ManyStatement {
  readonly name: string;
  readonly text: string;
  readonly values: unknown[];
}

/** As many as end in one moment: what a worker has in hand, at most. */
const sizeMax = 100;

/** As BullMQ says it. The job's id is the second parameter. */
const endAndFetch = /\bFROM move_to_completed_fetch\(/i;

const types = [
  ...["text", "text", "text", "jsonb", "bigint", "boolean", "bigint", "integer"], // the job that ends
  ...["bigint", "bigint", "text", "integer", "bigint"], // the one that is fetched in its place
];
const names = types.map((_, index) => `p${index + 1}`);

const text = `
  SELECT p.number AS "numberInList", job.*
  FROM ${turn},
  unnest(${types.map((type, index) => `$${index + 1}::${type}[]`).join(", ")}) WITH ORDINALITY AS p(${names.join(", ")}, number),
  LATERAL move_to_completed_fetch(p.p1 || turn.taken, ${names
    .slice(1)
    .map((name) => `p.${name}`)
    .join(", ")}) AS job`;

/** Whether a statement of BullMQ's ends one job and fetches the next. */
export function isJobEnd(statement: string): boolean {
  return endAndFetch.test(statement);
}

/**
 * BullMQ's backend ends each job in a transaction of its own, in which it fetches the next one. The ends that come in the
 * same moment share one here: a commit, with its flush to disk and its way there and back, costs more than what is in it. It is
 * BullMQ's own function that ends each of them, in the order in which they came. Where one cannot be ended (its lock was lost),
 * none is, and each is tried alone: the error is its own.
 */
export function endJobsTogether(
  run: (statement: ManyStatement) => Promise<PgQueryResult<unknown>>,
): (end: JobEnd) => Promise<PgQueryResult<unknown>> {
  const endOne = inBatches<JobEnd, PgQueryResult<unknown>>({
    async run(ends) {
      const values = names.map((_, index) => ends.map((end) => end[index] ?? null));
      const { rows } = await run({ name: "move-to-completed-fetch-together", text, values });
      const fetched = new Map((rows as { numberInList: string }[]).map((row) => [Number(row.numberInList), row]));
      return ends.map((_, index) => {
        const row = fetched.get(index + 1);
        return row === undefined ? { rows: [], rowCount: 0 } : { rows: [row], rowCount: 1 };
      });
    },
    keyOf: ([queue, id]) => `${String(queue)} ${String(id)}`,
    sizeMax,
    // One may wait for a row that somebody else holds; the others need not wait with it.
    runsMax: 3,
    patienceMilliseconds: 50,
  });
  return async (end) => (await endOne(end)) ?? { rows: [], rowCount: 0 };
}
