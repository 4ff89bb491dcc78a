import {
  createSchedule,
  deleteSchedule,
  getSchedule,
  listSchedules,
  replaceSchedule,
  ScheduleInput,
  type SchedulePatch,
  updateSchedule,
} from "@dripline/contract/schedules";
import type { Queryable } from "@dripline/db/database";
import * as deleting from "@dripline/db/queries/delete-schedule";
import { insertSchedule } from "@dripline/db/queries/insert-schedule";
import * as schedules from "@dripline/db/queries/read-schedules";
import * as changing from "@dripline/db/queries/update-schedule";
import type { Schedule as ScheduleRules } from "@dripline/domain/schedule";
import { unreachable } from "@dripline/domain/unreachable";
import type { FastifyInstance } from "fastify";
import type { z } from "zod";
import { pageBody, pageRequest } from "../cursor.ts";
import type { Deps } from "../deps.ts";
import { invalidBody } from "../parse-request.ts";
import { found, inUse, nameTaken, notFound } from "../problem-error.ts";
import { serve } from "../serve.ts";
import { takeForEdit } from "../take-for-edit.ts";

export function serveSchedules(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, listSchedules, async ({ db, query, url }) => {
    const page = await schedules.listSchedules(db, query, pageRequest(query));
    return pageBody(page, query, url, (schedule) => schedule);
  });

  serve(app, deps, getSchedule, async ({ db, params }) => {
    const schedule = await schedules.findSchedule(db, params.id);
    if (schedule === undefined) throw notFound("schedule", params.id);
    return schedule;
  });

  serve(app, deps, createSchedule, async ({ tx, body }) => {
    const inserted = await insertSchedule(tx, { name: body.name, rules: rulesOf(body) });
    if (inserted.kind === "name_taken") throw nameTaken("schedule", inserted.existingId);
    return found(await schedules.findSchedule(tx, inserted.id));
  });

  serve(app, deps, replaceSchedule, async ({ tx, params: { id }, body, ifMatch, now }) => {
    await takeForEdit(tx, "schedule", id, ifMatch);
    return write(tx, id, body, now);
  });

  serve(app, deps, updateSchedule, async ({ tx, params: { id }, body, ifMatch, now }) => {
    await takeForEdit(tx, "schedule", id, ifMatch);
    return write(tx, id, inPlace(found(await schedules.findSchedule(tx, id)), body), now);
  });

  serve(app, deps, deleteSchedule, async ({ tx, params: { id }, ifMatch, addToAudit }) => {
    const { name } = await takeForEdit(tx, "schedule", id, ifMatch);
    const deleted = await deleting.deleteSchedule(tx, id);
    switch (deleted.kind) {
      case "deleted":
        addToAudit({ name });
        return { id };
      case "is_default":
        throw inUse("It is the default schedule, which sequences that name none get: edit it instead.", ["default"]);
      case "in_use": {
        const { sequences } = deleted;
        throw inUse(
          `Sequences follow it (${sequences.map(({ name }) => name).join(", ")}): give them another schedule first.`,
          ["email-sequences"],
          { sequences },
        );
      }
      default:
        return unreachable(deleted);
    }
  });
}

async function write(
  tx: Queryable,
  id: string,
  whole: z.output<typeof ScheduleInput>,
  now: Date,
): Promise<schedules.ScheduleRow> {
  const updated = await changing.updateSchedule(tx, id, { name: whole.name, rules: rulesOf(whole), now });
  if (updated.kind === "name_taken") throw nameTaken("schedule", updated.existingId);
  return found(await schedules.findSchedule(tx, id));
}

/** The schedule as the change leaves it: each field may be right, and contradict one that stays. */
function inPlace(row: schedules.ScheduleRow, changes: z.output<typeof SchedulePatch>): z.output<typeof ScheduleInput> {
  const { id: _, is_default: __, revision: ___, created_at: ____, updated_at: _____, ...current } = row;
  const whole = { ...current, ...changes };
  const checked = ScheduleInput.safeParse(whole);
  if (!checked.success) throw invalidBody("With this change the schedule is not valid", checked.error, whole);
  return checked.data;
}

/** The rules as the domain has them. */
export function rulesOf(fields: z.output<typeof ScheduleInput>): ScheduleRules {
  return {
    timezone: fields.timezone,
    windows: fields.windows,
    closedDates: fields.closed_dates,
    holidays: fields.holidays,
    specialHours: fields.special_hours,
    usesContactTimezone: fields.uses_contact_timezone,
    spreadMinutes: fields.spread_minutes,
  };
}
