import { orm, type Queryable } from "@dripline/db/database";
import { newId } from "@dripline/db/new-id";
import { schedule } from "@dripline/db/schema/content";
import { BUSINESS_HOURS, type Schedule } from "@dripline/domain/schedule";

/** Any number that nobody else in this database uses for an advisory lock: "schd" in ASCII. */
const defaultScheduleLock = 0x73636864;

/** The built-in schedule, Monday to Friday 09:00–17:00 Asia/Bangkok, unless another one was made the default. Call it in a transaction. */
export async function ensureDefaultSchedule(tx: Queryable): Promise<string> {
  const found = await defaultScheduleId(tx);
  if (found !== undefined) return found;
  // Two first requests at once must not race for the one default: the second waits here and finds it.
  await tx.query("select pg_advisory_xact_lock($1)", [defaultScheduleLock]);
  return (await defaultScheduleId(tx)) ?? insertSchedule(tx, "Business hours", BUSINESS_HOURS, true);
}

async function defaultScheduleId(tx: Queryable): Promise<string | undefined> {
  const { rows } = await tx.query<{ id: string }>("select id from schedule where is_default");
  return rows[0]?.id;
}

/** Inserts a schedule that was checked by `Schedule` and answers its id. */
export async function insertSchedule(
  tx: Queryable,
  name: string,
  value: Schedule,
  isDefault: boolean,
): Promise<string> {
  const id = newId();
  await orm(tx)
    .insert(schedule)
    .values({ ...value, id, name, isDefault });
  return id;
}
