import { createReadStream } from "node:fs";
import { access, constants } from "node:fs/promises";
import type { Database } from "@dripline/db/database";
import type { PlannableSequence } from "@dripline/db/load-plannable-sequence";
import { problemWithPlanMoment } from "@dripline/domain/plan-moment";
import type { PersonPlan } from "@dripline/engine/plan-sends";
import type { PlannedPerson } from "@dripline/engine/read-planned-people";
import { describePlan } from "../describe-plan.ts";
import { findInstallation } from "../find-installation.ts";
import { readInstant } from "../read-instant.ts";
import { UserError } from "../user-error.ts";
import { withDatabase } from "../with-database.ts";

export interface PlanOptions {
  /** Id or exact name. */
  readonly sequence: string;
  readonly contacts: readonly string[];
  /** A path that can be opened as it is. */
  readonly csv: string | undefined;
  readonly draft: boolean;
  /** ISO 8601 with an offset; undefined: the clock's. */
  readonly now: string | undefined;
  /** One JSON object per person and line. */
  readonly json: boolean;
  readonly clock: () => Date;
  readonly print: (line: string) => void;
  readonly complain: (line: string) => void;
}

/** Many enough that the database is asked seldom, few enough that the first plans appear at once. */
const peoplePerRead = 200;

/**
 * Tells every future send of these people, without sending or writing anything. A CSV is read and answered row by row,
 * whatever its size.
 * @throws UserError for what was typed wrongly
 */
export async function plan(env: NodeJS.ProcessEnv, directory: string, options: PlanOptions): Promise<void> {
  const now = options.now === undefined ? options.clock() : readPlanMoment(options.now);
  if (options.contacts.length === 0 && options.csv === undefined) {
    throw new UserError("Say for whom: --contact EMAIL, more than once if you like, or --csv FILE.");
  }
  await refuseUnreadable(options.csv);
  const { databaseUrl, dayLengthMilliseconds } = findInstallation(env, directory);
  const { REAL_PACE } = await import("@dripline/domain/delay");
  const pace = dayLengthMilliseconds === undefined ? REAL_PACE : { dayMilliseconds: dayLengthMilliseconds };
  const { planSends } = await import("@dripline/engine/plan-sends");

  await withDatabase(databaseUrl, async (db) => {
    const sequence = await findPlannable(db, options);
    let batch: PlannedPerson[] = [];
    const flush = async () => {
      const result = await planSends(db, sequence, batch, { now, pace });
      batch = [];
      if (result.kind === "planned") for (const each of result.plans) options.print(written(each, options));
    };
    for await (const person of peopleOf(options)) {
      batch.push(person);
      if (batch.length === peoplePerRead) await flush();
    }
    await flush();
  });
}

function written(each: PersonPlan, { json }: PlanOptions): string {
  return json ? JSON.stringify(each) : `${describePlan(each)}\n`;
}

async function* peopleOf({ contacts, csv, complain }: PlanOptions): AsyncGenerator<PlannedPerson> {
  const { problemWithEmailAddress } = await import("@dripline/contract/email-address");
  for (const email of contacts) {
    const problem = problemWithEmailAddress(email);
    if (problem !== undefined) throw new UserError(`${JSON.stringify(email)} ${problem}.`);
    yield { email, timezone: null, companyTimezone: null };
  }
  if (csv === undefined) return;
  const { readPeopleCsv } = await import("@dripline/engine/read-people-csv");
  for await (const row of readPeopleCsv(createReadStream(csv, "utf8"), problemWithEmailAddress)) {
    if (row.kind === "person") yield row;
    else if (row.kind === "bad_row") complain(`${csv}, line ${row.line}: ${row.message}`);
    else throw new UserError(`${csv}: ${row.message}`);
  }
}

async function findPlannable(db: Database, { sequence, draft }: PlanOptions): Promise<PlannableSequence> {
  const { findSequence } = await import("@dripline/engine/find-sequence");
  const { loadPlannableSequence } = await import("@dripline/db/load-plannable-sequence");
  const found = await findSequence(db, sequence);
  if (found.kind === "unknown") {
    const near = found.near.map((name) => JSON.stringify(name)).join(", ");
    throw new UserError(
      `There is no sequence ${JSON.stringify(sequence)}.${near === "" ? "" : ` Did you mean ${near}?`}`,
    );
  }
  const loaded = await loadPlannableSequence(db, found.id, draft ? "draft" : "current");
  if (loaded.kind === "found") return loaded.sequence;
  throw new UserError(`The sequence ${JSON.stringify(found.name)} has no draft: leave --draft out.`);
}

function readPlanMoment(text: string): Date {
  const at = readInstant("--now", text);
  const problem = problemWithPlanMoment(at);
  if (problem !== undefined) throw new UserError(`--now ${JSON.stringify(text)} ${problem}.`);
  return at;
}

async function refuseUnreadable(csv: string | undefined): Promise<void> {
  if (csv === undefined) return;
  try {
    await access(csv, constants.R_OK);
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code === "ENOENT" ? "there is no such file" : "it cannot be read";
    throw new UserError(`--csv ${csv}: ${why}.`, { cause });
  }
}
