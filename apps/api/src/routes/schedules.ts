import { createSchedule, getSchedule, listSchedules } from "@dripline/contract/schedules";
import { insertSchedule } from "@dripline/db/queries/insert-schedule";
import * as schedules from "@dripline/db/queries/read-schedules";
import type { FastifyInstance } from "fastify";
import { pageBody, pageRequest } from "../cursor.ts";
import type { Deps } from "../deps.ts";
import { found, nameTaken, notFound } from "../problem-error.ts";
import { serve } from "../serve.ts";

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
    const inserted = await insertSchedule(tx, {
      name: body.name,
      rules: {
        timezone: body.timezone,
        windows: body.windows,
        closedDates: body.closed_dates,
        holidays: body.holidays,
        specialHours: body.special_hours,
        usesContactTimezone: body.uses_contact_timezone,
        spreadMinutes: body.spread_minutes,
      },
    });
    if (inserted.kind === "name_taken") throw nameTaken("schedule", inserted.existingId);
    return found(await schedules.findSchedule(tx, inserted.id));
  });
}
