import { type Installation, readKept, writePrivateFile } from "./installation.ts";

/** What the printed `curl` needs. */
export interface Sample {
  readonly apiKey: string;
  readonly sequenceId: string;
  /** Whether the sample was made just now. */
  readonly isNew: boolean;
}

export interface SampleOptions {
  readonly installation: Installation;
  readonly apiUrl: string;
  readonly databaseUrl: string;
  readonly redisUrl: string | undefined;
  readonly dayLengthMilliseconds: number | undefined;
  readonly apiReady: Promise<void>;
  readonly now: () => Date;
}

const sampleName = "New Customer Onboarding";
/** Stands in the printed command when there is no sequence to enroll into. */
const noSequence = "<the id of a sequence>";

/**
 * Makes sure that there is a key to use the API with and, in a database that never had it, the sample with its demo
 * contact. Whoever deleted the sample does not get it again.
 */
export async function ensureSample(options: SampleOptions): Promise<Sample> {
  const { installation, apiUrl } = options;
  const kept = readKept(installation.apiKeyFile);
  if (kept !== undefined) {
    await options.apiReady;
    const sequenceId = await findSequence(apiUrl, kept);
    if (sequenceId !== undefined) return { apiKey: kept, sequenceId, isNew: false };
  }
  // No key, or one that this database does not know: it is another database than last time.
  const { apiKey, sequenceId } = await makeSample(options);
  writePrivateFile(installation.apiKeyFile, `${apiKey}\n`);
  if (sequenceId !== undefined) return { apiKey, sequenceId, isNew: true };
  await options.apiReady;
  return { apiKey, sequenceId: (await findSequence(apiUrl, apiKey)) ?? noSequence, isNew: false };
}

/** The sample's id or, if it is gone, another active sequence's; undefined if the API refuses the key. */
async function findSequence(apiUrl: string, apiKey: string): Promise<string | undefined> {
  const answer = await fetch(`${apiUrl}/api/v1/email-sequences/?status=active&page_size=100`, {
    headers: { authorization: `Bearer ${apiKey}` },
    signal: AbortSignal.timeout(10_000),
  });
  if (answer.status === 401) return undefined;
  if (!answer.ok) throw new Error(`the API answered ${answer.status} to a list of sequences`);
  const { results } = (await answer.json()) as { results: { id: string; name: string }[] };
  const found = results.find(({ name }) => name === sampleName) ?? results[0];
  return found?.id ?? noSequence;
}

/** Loads what it needs only now: the first start of a database is the only one that does. */
async function makeSample(options: SampleOptions): Promise<{ apiKey: string; sequenceId: string | undefined }> {
  const { databaseUrl, redisUrl, dayLengthMilliseconds, now } = options;
  const [{ openDatabase }, { REAL_PACE }, { createApiKey }, { seedSample }, { wakeAfterCommit }, { openWakeQueue }] =
    await Promise.all([
      import("@dripline/db/database"),
      import("@dripline/domain/delay"),
      import("@dripline/db/api-keys"),
      import("@dripline/engine/seed-sample"),
      import("@dripline/engine/wake-after-commit"),
      import("@dripline/queue/open-wake-queue"),
    ]);
  const pace = dayLengthMilliseconds === undefined ? REAL_PACE : { dayMilliseconds: dayLengthMilliseconds };
  const db = openDatabase({ url: databaseUrl, connectionsMax: 1, applicationName: "dripline up", onError: () => {} });
  const queue = openWakeQueue({ redisUrl, databaseUrl, now, role: "producer" });
  try {
    const { key } = await createApiKey(db, { name: "npm start", now: now(), scopes: ["admin"] });
    const seeded = await seedSample(db, { now: now(), pace });
    await wakeAfterCommit(queue, seeded?.wakes ?? [], () => {}); // a sweep finds it if the queue is away
    return { apiKey: key, sequenceId: seeded?.sequenceId };
  } finally {
    await Promise.all([queue.close(), db.end()]);
  }
}
