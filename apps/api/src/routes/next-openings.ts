import { getNextOpenings, type NextOpenings } from "@dripline/contract/next-openings";
import { findSchedule } from "@dripline/db/queries/read-schedules";
import { localDateTime } from "@dripline/domain/local-date-time";
import * as domain from "@dripline/domain/next-openings";
import type { Schedule } from "@dripline/domain/schedule";
import { scheduleFault } from "@dripline/domain/schedule-fault";
import { resolveZone } from "@dripline/domain/time-zone";
import { isOpen, OPENING_HORIZON_DAYS } from "@dripline/domain/window";
import type { FastifyInstance } from "fastify";
import type { Deps } from "../deps.ts";
import { notFound } from "../problem-error.ts";
import { serve } from "../serve.ts";
import { rulesOf } from "./schedules.ts";

export function serveNextOpenings(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, getNextOpenings, async ({ db, params, query, now }) => {
    const row = await findSchedule(db, params.id);
    if (row === undefined) throw notFound("schedule", params.id);
    return nextOpenings(rulesOf(row), query.timezone ?? null, query.from ?? now, query.count);
  });
}

function nextOpenings(schedule: Schedule, contactZone: string | null, from: Date, count: number): NextOpenings {
  const { zone, source } = resolveZone(schedule, { contact: contactZone, company: null });
  const about = { from, timezone: zone, timezone_source: source };
  const fault = scheduleFault(schedule, zone);
  if (fault !== null) return { ...about, is_open: false, results: [], closed_days: [], problem: fault };

  const { openings, closedDays } = domain.nextOpenings(schedule, zone, from, count);
  return {
    ...about,
    is_open: isOpen(schedule, zone, from),
    results: openings.map(({ start, end }) => ({
      starts_at: start,
      ends_at: end,
      local_start: localDateTime(zone, start),
      local_end: localDateTime(zone, end),
    })),
    closed_days: closedDays.map(toClosedDay),
    problem: openings.length === count ? null : opensNoMore(openings.length),
  };
}

function opensNoMore(openings: number): NextOpenings["problem"] {
  const since = openings === 0 ? "from then on" : "after the last of these";
  const message = `The schedule has no window in the ${OPENING_HORIZON_DAYS} days ${since}.`;
  return { reason: "window_never_opens", message };
}

function toClosedDay({ date, closure }: domain.ClosedDay): NextOpenings["closed_days"][number] {
  const minute = closure.kind === "holiday" ? closure.closedFromMinute : 0;
  return {
    date,
    kind: closure.kind,
    holiday_name: closure.kind === "holiday" ? closure.name : null,
    closed_from: minute === 0 ? null : new Date(minute * 60_000).toISOString().slice(11, 16),
  };
}
