import { setTimeout as wait } from "node:timers/promises";
import type { Queryable } from "@dripline/db/database";

const askMilliseconds = 250;

/**
 * Waits until nothing is under way any more: no email scheduled or at the mail server, and nobody active of whom nothing
 * is open or visibly held. Answers when that was, or null if it did not come before `deadline`.
 */
export async function waitUntilQuiet(db: Queryable, deadline: number): Promise<number | null> {
  while (Date.now() < deadline) {
    if (await isQuiet(db)) return Date.now();
    await wait(askMilliseconds);
  }
  return null;
}

async function isQuiet(db: Queryable): Promise<boolean> {
  const { rows } = await db.query<{ isBusy: boolean }>(`
    select exists (select from step_execution where status in ('scheduled', 'sending'))
        or exists (select from sequence_enrollment n where n.status in ('active', 'paused') and not exists (
             select from step_execution e where e.enrollment_id = n.id and e.status in ('pending', 'failed', 'in_doubt')))
      as "isBusy"`);
  return rows[0]?.isBusy === false;
}
