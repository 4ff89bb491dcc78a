import type { Queryable } from "@dripline/db/database";
import type { SmtpArrival } from "@dripline/testkit/smtp-by-recipient";
import { groupBy } from "../group-by.ts";
import { messageIdOf } from "./read-seen.ts";

/** What must never be, whatever died: a sentence for each thing that is. */
export async function findBrokenLaws(db: Queryable, arrivals: readonly SmtpArrival[]): Promise<string[]> {
  const { rows } = await db.query<{ message_id: string; step_number: number; doubts: Date[] }>(
    `select e.message_id, e.step_number,
            array(select v.at from execution_event v where v.execution_id = e.id and v.kind = 'in_doubt') as doubts
     from step_execution e where e.message_id is not null`,
  );
  const broken: string[] = [];
  const known = new Map(rows.map((row) => [row.message_id, row]));
  const copies = groupBy(arrivals, (arrival) => messageIdOf(arrival) ?? "no Message-ID");
  for (const [messageId, ofOne] of copies) {
    const row = known.get(messageId);
    if (row === undefined) {
      broken.push(`${messageId} belongs to no execution`);
      continue;
    }
    if (new Set(ofOne.map(({ raw }) => raw)).size > 1)
      broken.push(`step ${row.step_number}: attempts differ in their bytes`);
    const taken = ofOne.filter(({ isTaken }) => isTaken);
    for (const [index, copy] of taken.entries()) {
      const doubtsBefore = row.doubts.filter((at) => at <= copy.at).length;
      if (doubtsBefore < index)
        broken.push(`step ${row.step_number}: copy ${index + 1} without a doubt on record before`);
    }
  }
  const order = arrivals
    .filter(({ isTaken }) => isTaken)
    .map((arrival) => known.get(messageIdOf(arrival) ?? "")?.step_number ?? 0);
  if (order.some((step, index) => step < (order[index - 1] ?? 0)))
    broken.push(`steps arrived in the order ${order.join(", ")}`);
  return broken;
}
