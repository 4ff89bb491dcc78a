import { seededFraction } from "@dripline/domain/seeded-fraction";
import { placeIn, stepsStillToGet } from "@dripline/domain/still-to-get";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { expect, test } from "vitest";
import { loadFacts } from "./load-facts.ts";
import { newId } from "./new-id.ts";
import { readPeopleInFlight } from "./people-in-flight.ts";
import { findStepsOfVersions } from "./queries/read-sequence-steps.ts";
import { toVersionStep } from "./queries/read-sequence-versions.ts";
import { insertExecution } from "./testing/executions.ts";

const { pool: db } = await freshDatabase();

const stepsMax = 5;
const cases = 60;

test("what somebody has still to get is the same in the database as in a publish's plan, whatever was edited", async () => {
  for (let seed = 0; seed < cases; seed += 1) {
    const places = newVersion(seed);
    const standsAt = Math.floor(seededFraction(`stands ${seed}`) * stepsMax);
    const had = oldPlaces.filter((place) => seededFraction(`had ${seed} ${place}`) < 0.3);
    const sequence = await makeSequence(db, { steps: oldPlaces.map(() => ({})) });
    const versionId = await insertVersion(sequence, places);
    const owedStepKeys = sequence.stepIds.filter(
      (key) => seededFraction(`owed ${seed} ${sequence.stepIds.indexOf(key)}`) < 0.3,
    );
    const currentStepNumber = Math.floor(seededFraction(`current ${seed}`) * (places.length + 1));
    const { id: contactId } = await makeContact(db);
    const { executionId, enrollmentId } = await insertExecution(
      db,
      { ...sequence, stepIds: [sequence.stepIds[standsAt] ?? ""] },
      contactId,
      { stepNumber: standsAt + 1, status: "sent" },
      { versionId, currentStepNumber, owedStepKeys },
    );
    const keysHad = [...new Set([standsAt, ...had])].map((place) => sequence.stepIds[place] ?? "");
    for (const key of keysHad.slice(1)) await insertSent(enrollmentId, key);

    const [facts] = await loadFacts(db, [executionId]);

    const rows = await findStepsOfVersions(db, [sequence.versionId, versionId]);
    const of = (id: string) => rows.filter((row) => row.version_id === id).map(toVersionStep);
    const standing = {
      stepNumber: standsAt + 1,
      isOwed: owedStepKeys.includes(sequence.stepIds[standsAt] ?? ""),
      currentStepNumber,
    };
    const place = placeIn(of(sequence.versionId), of(versionId), standing);
    const planned = stepsStillToGet(of(versionId), place, keysHad, owedStepKeys);
    expect({ seed, ids: facts?.laterSteps.map(({ id }) => id) }).toEqual({ seed, ids: planned.map(({ id }) => id) });
    const person = await personOf(sequence.id);
    expect({ seed, ...person, keysToGet: person?.keysToGet.toSorted() }).toMatchObject({
      seed,
      reachedStepNumber: place,
      keysToGet: planned.map(({ key }) => key).toSorted(),
      owedStepKeys,
    });
  }
});

/** The only one of the sequence, as a publish reads them. */
async function personOf(sequenceId: string) {
  for await (const [person] of readPeopleInFlight(db, { sequenceId, exceptVersionId: newId(), locks: false })) {
    return person;
  }
  return undefined;
}

const oldPlaces = Array.from({ length: stepsMax }, (_, place) => place);

/** Some of the old steps, by their places, and two new ones (-1), in any order. */
function newVersion(seed: number): number[] {
  const order = (place: number) => seededFraction(`order ${seed} ${place}`);
  const kept = oldPlaces.filter((place) => seededFraction(`kept ${seed} ${place}`) < 0.7);
  return [...kept, -1, -2].toSorted((a, b) => order(a) - order(b)).map((place) => Math.max(place, -1));
}

async function insertVersion(
  sequence: { readonly id: string; readonly stepIds: readonly string[] },
  places: readonly number[],
): Promise<string> {
  const versionId = newId();
  await db.query(
    "insert into sequence_version (id, sequence_id, version_number, published_at) values ($1, $2, 2, now())",
    [versionId, sequence.id],
  );
  for (const [index, place] of places.entries()) {
    const id = newId();
    await db.query(
      `insert into sequence_step (id, version_id, step_key, step_number, name, template_id, delay_value, delay_unit)
       select $1, $2, $3, $4, 'Edited', template_id, 0, 'days' from sequence_step where id = $5`,
      [id, versionId, sequence.stepIds[place] ?? id, index + 1, sequence.stepIds[0]],
    );
  }
  return versionId;
}

async function insertSent(enrollmentId: string, stepKey: string): Promise<void> {
  await db.query(
    `insert into step_execution (id, enrollment_id, step_id, step_key, step_number, status, counts_from, due_at, scheduled_for, created_at)
     values ($1, $2, $3, $3, 9, 'sent', now(), now(), now(), now() - interval '1 day')`,
    [newId(), enrollmentId, stepKey],
  );
}
