import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Broken, check } from "./checker/check.ts";
import { type Control, controls } from "./controls/controls.ts";
import type { EnrollRequest, Fault, History, WindowsInForce } from "./history/history.ts";
import { keepHistory } from "./history/keep-history.ts";
import { readRecords } from "./history/read-records.ts";
import { readSinkLog } from "./history/read-sink-log.ts";
import { countPlanned, planFaults } from "./nemesis/plan-faults.ts";
import { runFaults } from "./nemesis/run-faults.ts";
import type { ChaosOptions } from "./options.ts";
import { type Profile, profiles } from "./profiles.ts";
import type { ProcessEnd } from "./services/supervised.ts";
import { claimLeaseSeconds, dataLeaseSeconds, type Stack, startStack } from "./stack.ts";
import { waitUntilQuiet } from "./wait-until-quiet.ts";
import { ApiClient } from "./workload/api-client.ts";
import { enrollPeople } from "./workload/enroll-people.ts";
import { alwaysOpen, type MadeSequence, makeContent, scheduleOf, stepsPerSequence } from "./workload/make-content.ts";
import { planPeople } from "./workload/plan-people.ts";
import { alternatingOpenings, type Openings, oneClosedMinute } from "./workload/plan-windows.ts";
import { unsubscribePeople } from "./workload/unsubscribe-people.ts";
import { openingsAcrossGap, planZoneChange, type ZoneChange } from "./workload/zone-change.ts";

export interface RunResult {
  readonly history: History;
  readonly broken: readonly Broken[];
  /** Where the logs are; the history as well once it was kept. */
  readonly directory: string;
}

/** One run: starts everything, lets the workload and the faults go on side by side, waits for quiet, and judges. */
export async function runOnce(
  seed: number,
  options: Pick<ChaosOptions, "profile" | "policy" | "control">,
  directory: string,
  say: (line: string) => void,
): Promise<RunResult> {
  const profile: Profile = profiles[options.profile];
  const control: Control | undefined = options.control && controls[options.control];
  await mkdir(directory, { recursive: true });
  const requests: EnrollRequest[] = [];
  const faults: Fault[] = [];
  const ends: ProcessEnd[] = [];
  const windows: WindowsInForce[] = [];
  let arrivals = 0;
  const people = planPeople(seed, profile.enrollments);
  const unsubscribing = unsubscribePeople(people);

  const zoneChange = profile.windows === "across_gap" ? planZoneChange(Date.now()) : undefined;
  const stack = await startStack({
    seed,
    profile,
    directory,
    zoneChange,
    ...(control && { workerPath: fileURLToPath(new URL(`controls/${control.worker}`, import.meta.url)) }),
    onArrival: (entry) => {
      arrivals += 1;
      unsubscribing.onArrival(entry);
    },
    onEnd: (end) => ends.push(end),
  });
  const abandon = abandonOnSignal(() => stack.stop());
  const startedAt = Date.now();
  const progress = setInterval(() => {
    const answered = new Set(requests.flatMap(({ enrollmentId }) => enrollmentId ?? [])).size;
    say(
      `  ${seconds(startedAt)} s: ${answered} of ${people.length} enrolled, ${arrivals} arrivals, ${faults.length} faults`,
    );
  }, progressMilliseconds);
  try {
    const api = new ApiClient(stack.apiUrl, stack.apiKey, seed);
    const openings = planOpenings(profile, startedAt, zoneChange);
    const sequences = await makeContent(api, options.policy, {
      open: alwaysOpen,
      windowed: scheduleOf(openings.windowed, zoneChange),
      edited: scheduleOf(openings.edited, zoneChange),
    });
    for (const name of ["windowed", "edited"] as const) {
      const { sequenceId } = sequences[name];
      windows.push({ sequenceId, askedAt: startedAt, answeredAt: Date.now(), openings: openings[name] });
    }
    const lanes = planFaults(seed, profile);
    if (profile.smtpDelayMilliseconds > 0) void stack.proxies.smtp.delay(profile.smtpDelayMilliseconds, 3_600_000);

    say(`seed ${seed}: ${profile.enrollments} enrollments, faults for ${profile.faultSeconds} s`);
    await Promise.all([
      enrollPeople(api, people, sequences, profile.enrollSeconds * 1_000, (request) => requests.push(request)),
      runFaults(stack, lanes, profile.faultSeconds * 1_000, (fault) => faults.push(fault)),
      editWindows(api, sequences.edited, profile, startedAt, (edit) => windows.push(edit)),
    ]);
    const lastFaultAt = Date.now();
    const drainedAt = await waitUntilQuiet(stack.database, lastFaultAt + 75_000);
    await unsubscribing.settled();
    // What left before a doubt was recorded may still be on its way.
    await wait(500);
    await everybodyReady(stack);
    await stack.stopProcesses();

    const history: History = {
      run: {
        seed,
        startedAt,
        lastFaultAt,
        drainedAt,
        claimLeaseMilliseconds: claimLeaseSeconds * 1_000,
        dataLeaseMilliseconds: dataLeaseSeconds * 1_000,
        stepsPerSequence,
        plannedFaults: countPlanned(lanes),
        isDeploy: profile.faults.roll > 0,
      },
      ...(await readRecords(stack.database)),
      sink: await readSinkLog(stack.sink.logPath),
      requests,
      windows,
      faults,
      ends,
    };
    return { history, broken: check(history), directory };
  } finally {
    clearInterval(progress);
    await stack.stop();
    abandon.forget();
  }
}

const progressMilliseconds = 15_000;

function seconds(since: number): number {
  return Math.round((Date.now() - since) / 1_000);
}

/** Whoever ends the run early leaves no processes behind. */
const startingMilliseconds = 20_000;

/** The last fault may have struck a moment ago, and a process that is still being loaded ends by SIGTERM as any program does. */
async function everybodyReady({ api, workers }: Stack): Promise<void> {
  await Promise.race([
    Promise.all([api, ...workers].map((process) => process.whenReady())),
    wait(startingMilliseconds),
  ]);
}

function abandonOnSignal(stop: () => Promise<void>): { forget(): void } {
  const abandon = () => void stop().finally(() => process.exit(1));
  process.once("SIGINT", abandon);
  process.once("SIGTERM", abandon);
  return {
    forget() {
      process.off("SIGINT", abandon);
      process.off("SIGTERM", abandon);
    },
  };
}

function planOpenings(
  profile: Profile,
  startedAt: number,
  zoneChange: ZoneChange | undefined,
): Record<"windowed" | "edited", Openings> {
  const openings = () => {
    if (zoneChange !== undefined) {
      if (startedAt > zoneChange.at)
        throw new Error("The processes took so long to start that the run missed the change.");
      return openingsAcrossGap(startedAt, zoneChange);
    }
    if (profile.windows === "one_minute") return oneClosedMinute(startedAt, 25);
    return alternatingOpenings(startedAt, lastClosedBefore(startedAt, profile), 0);
  };
  return { windowed: openings(), edited: openings() };
}

/** The last closed minute is over before the faults are, so that nobody still waits for a window when they end. */
function lastClosedBefore(startedAt: number, profile: Profile): number {
  return startedAt + profile.faultSeconds * 1_000 - 60_000;
}

/** In the middle of the run the sequence `edited` changes its open minutes for its closed ones, while people wait. */
async function editWindows(
  api: ApiClient,
  { sequenceId, scheduleId }: MadeSequence,
  profile: Profile,
  startedAt: number,
  onEdit: (edit: WindowsInForce) => void,
): Promise<void> {
  if (profile.windows !== "every_other_minute") return;
  await wait((profile.faultSeconds * 1_000) / 2);
  const openings = alternatingOpenings(startedAt, lastClosedBefore(startedAt, profile), 1);
  const askedAt = Date.now();
  const path = `/api/v1/schedules/${scheduleId}/`;
  const { status, answeredAt } = await api.insist("PATCH", path, { windows: scheduleOf(openings).windows });
  if (status !== 200) throw new Error(`PATCH ${path} answered ${status}`);
  onEdit({ sequenceId, askedAt, answeredAt, openings });
}

/** Keeps what was seen of the run, or throws it away. */
export async function putAway({ history, broken, directory }: RunResult, isKept: boolean): Promise<void> {
  if (!isKept) return rm(directory, { recursive: true, force: true });
  const verdict = broken.flatMap(({ invariant, violations }) => violations.map((text) => `${invariant}: ${text}`));
  await keepHistory(directory, history, verdict);
  for (const data of ["postgres", "redis"]) await rm(join(directory, data), { recursive: true, force: true });
}
