import type { Queryable } from "@dripline/db/database";
import { insertSchedule } from "@dripline/db/queries/insert-schedule";
import { BUSINESS_HOURS } from "@dripline/domain/schedule";
import { insertedOrExisting } from "./inserted-or-existing.ts";

/** Any number that nobody else in this database uses for an advisory lock: "schd" in ASCII. */
const defaultScheduleLock = 0x73636864;

/**
 * The built-in schedule, Monday to Friday 09:00–17:00 Asia/Bangkok, unless another one was made the default. Call it in
 * a transaction.
 */
export async function ensureDefaultSchedule(tx: Queryable): Promise<string> {
  const found = await defaultScheduleId(tx);
  if (found !== undefined) return found;
  // Two first requests at once must not race for the one default: the second waits here and finds it.
  await tx.query("select pg_advisory_xact_lock($1)", [defaultScheduleLock]);
  const name = "Business hours";
  return (
    (await defaultScheduleId(tx)) ??
    insertedOrExisting(await insertSchedule(tx, { name, rules: BUSINESS_HOURS, isDefault: true }))
  );
}

async function defaultScheduleId(tx: Queryable): Promise<string | undefined> {
  const { rows } = await tx.query<{ id: string }>("select id from schedule where is_default");
  return rows[0]?.id;
}
