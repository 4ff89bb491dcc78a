import { problemWithEmailAddress } from "@dripline/contract/email-address";
import { planSends as operation, type PlanInput, type SendPlan } from "@dripline/contract/send-plans";
import type { Queryable } from "@dripline/db/database";
import {
  loadPlannableSequence,
  type PlannableSequence,
  type VersionChoice,
} from "@dripline/db/load-plannable-sequence";
import { REAL_PACE } from "@dripline/domain/delay";
import { unreachable } from "@dripline/domain/unreachable";
import { type PersonPlan, planSends } from "@dripline/engine/plan-sends";
import { readPeopleCsv } from "@dripline/engine/read-people-csv";
import type { PlannedPerson } from "@dripline/engine/read-planned-people";
import type { FastifyInstance } from "fastify";
import type { Deps } from "../deps.ts";
import { notFound, ProblemError, unknownReferences } from "../problem-error.ts";
import { serve } from "../serve.ts";

/** As many as in a list; each is answered with all of their sends. */
const csvRowsMax = 1_000;

export function serveSendPlans(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, operation, async ({ db, params, body, now: serverNow }) => {
    const sequence = await versionOf(db, params.id, body.version);
    const now = body.now ?? serverNow;
    const { people, errors } = await peopleOf(body);
    const result = await planSends(db, sequence, people, { now, pace: deps.pace });
    if (result.kind === "unknown_contacts") throw unknownReferences(result.places.map((place) => placeOf(body, place)));

    const { dayMilliseconds } = deps.pace;
    return {
      now,
      ...(dayMilliseconds === REAL_PACE.dayMilliseconds ? {} : { pace_day_milliseconds: dayMilliseconds }),
      results: result.plans.map(toSendPlan),
      errors,
    };
  });
}

/** @throws ProblemError if there is no such sequence, or no draft of it */
export async function versionOf(db: Queryable, sequenceId: string, version: VersionChoice): Promise<PlannableSequence> {
  const result = await loadPlannableSequence(db, sequenceId, version);
  switch (result.kind) {
    case "found":
      return result.sequence;
    case "unknown":
      throw notFound("sequence", sequenceId);
    case "no_draft":
      throw new ProblemError("no_draft", 'The sequence has no draft: leave `version` out, or write "current".');
    default:
      return unreachable(result);
  }
}

interface People {
  readonly people: PlannedPerson[];
  readonly errors: { line: number; message: string }[];
}

async function peopleOf({ contact_id: contactId, contacts, csv }: PlanInput): Promise<People> {
  if (contactId !== undefined) return { people: [{ contactId }], errors: [] };
  if (csv !== undefined) return peopleOfCsv(csv);
  const people = (contacts ?? []).map(({ contact_id: id, email = "", timezone, company_timezone: companyTimezone }) =>
    id === undefined
      ? { email, timezone: timezone ?? null, companyTimezone: companyTimezone ?? null }
      : { contactId: id },
  );
  return { people, errors: [] };
}

async function peopleOfCsv(csv: string): Promise<People> {
  const people: PlannedPerson[] = [];
  const errors: People["errors"] = [];
  for await (const row of readPeopleCsv([csv], problemWithEmailAddress)) {
    switch (row.kind) {
      case "person":
        people.push(row);
        break;
      case "bad_row":
        errors.push({ line: row.line, message: row.message });
        break;
      case "unreadable":
        throw wrongCsv(row.message);
      default:
        return unreachable(row);
    }
    if (people.length + errors.length > csvRowsMax) {
      throw wrongCsv(`has more than ${csvRowsMax} rows: the command dripline plan reads files of any size`);
    }
  }
  return { people, errors };
}

function wrongCsv(detail: string): ProblemError {
  const errors = [{ pointer: "/csv", code: "invalid", detail }];
  return new ProblemError("validation_failed", `The body is not valid: /csv ${detail}`, { errors });
}

function placeOf(body: PlanInput, place: number): { pointer: string; what: string; id: string } {
  if (body.contact_id !== undefined) return { pointer: "/contact_id", what: "contact", id: body.contact_id };
  return { pointer: `/contacts/${place}/contact_id`, what: "contact", id: body.contacts?.[place]?.contact_id ?? "" };
}

function toSendPlan({ contactId, passedOver, sends, ...plan }: PersonPlan): SendPlan {
  return {
    ...plan,
    contact: contactId,
    sends: sends.map((send) => ({
      step_number: send.stepNumber,
      step_name: send.stepName,
      status: send.status,
      due_at: send.dueAt,
      scheduled_for: send.scheduledFor,
      local_time: send.localTime,
      timezone: send.timezone,
      timezone_source: send.timezoneSource,
      earliest_at: send.earliestAt,
      latest_at: send.latestAt,
      shifts: [...send.shifts],
      is_held: send.isHeld,
    })),
    passed_over: passedOver.map(({ stepNumber, stepName, passedAt }) => ({
      step_number: stepNumber,
      step_name: stepName,
      passed_at: passedAt,
    })),
  };
}
