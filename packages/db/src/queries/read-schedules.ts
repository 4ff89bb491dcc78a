import { eq, sql } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { schedule } from "../schema/content.ts";
import { contains } from "./contains.ts";
import { type Page, type PageRequest, readPage } from "./keyset.ts";

export interface ScheduleFilters {
  readonly search?: string | undefined;
}

const fields = {
  id: schedule.id,
  name: schedule.name,
  timezone: schedule.timezone,
  windows: schedule.windows,
  closed_dates: schedule.closedDates,
  holidays: schedule.holidays,
  special_hours: schedule.specialHours,
  uses_contact_timezone: schedule.usesContactTimezone,
  spread_minutes: schedule.spreadMinutes,
  is_default: schedule.isDefault,
  revision: schedule.revision,
  created_at: schedule.createdAt,
  updated_at: schedule.updatedAt,
};

export type ScheduleRow = Awaited<ReturnType<typeof findSchedules>>[number];

/** One page of the schedules that match. */
export function listSchedules(
  db: Queryable,
  filters: ScheduleFilters,
  request: PageRequest,
): Promise<Page<ScheduleRow>> {
  return readPage<ScheduleRow, string>(request, {
    id: schedule.id,
    keys: {
      created_at: { expression: schedule.id, type: "uuid" }, // UUIDv7: ids are in the order of creation
      name: { expression: sql`lower(${schedule.name})`, type: "text" },
    },
    where: contains(filters.search, schedule.name),
    select: ({ where, orderBy, limit, sortValue }) =>
      orm(db)
        .select({ ...fields, sort_value: sortValue })
        .from(schedule)
        .where(where)
        .orderBy(...orderBy)
        .limit(limit),
    count: (where) => orm(db).$count(schedule, where),
  });
}

/** The schedule with this id, if there is one. */
export async function findSchedule(db: Queryable, id: string): Promise<ScheduleRow | undefined> {
  return (await findSchedules(db, id))[0];
}

function findSchedules(db: Queryable, id: string) {
  return orm(db).select(fields).from(schedule).where(eq(schedule.id, id));
}
