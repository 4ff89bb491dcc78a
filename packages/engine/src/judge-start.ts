import type { ClockSkew } from "@dripline/db/clock-skew";
import type { MigrationState } from "@dripline/db/migration-state";
import type { QueueHealth } from "@dripline/queue/wake-queue";

/**
 * Machines that take their time from NTP agree within milliseconds, and one that has just been thawed is put right within
 * seconds. Half a minute is neither: that clock is wrong and stays so, jobs fire that much too early or too late, and
 * what an API writes down (enrolled, opted out) lies that far beside what the workers do.
 */
export const clockSkewSecondsMax = 30;

/** Why a process does not start on a database in this state, and what to do; undefined if nothing keeps it. */
export function judgeMigrations(state: MigrationState): string | undefined {
  switch (state) {
    case "current":
      return undefined;
    case "behind":
      return 'The database is older than this version of Dripline: run "dripline migrate", then start again.';
    case "newer":
      return "The database is newer than this version of Dripline, which does not know what it may break there: install the newer version.";
  }
}

/** The same for its clock. A slow answer counts in favour of the clock. */
export function judgeClock({ milliseconds, uncertaintyMilliseconds }: ClockSkew): string | undefined {
  if (Math.abs(milliseconds) - uncertaintyMilliseconds <= clockSkewSecondsMax * 1_000) return undefined;
  const seconds = Math.round(Math.abs(milliseconds) / 1_000);
  return (
    `This machine's clock is ${seconds} s ${milliseconds < 0 ? "ahead of" : "behind"} the database's, and more than ` +
    `${clockSkewSecondsMax} s is not accepted: let both machines take their time from NTP (timedatectl set-ntp true), then start again.`
  );
}

/** The same for the queue's server: what its own check found wrong with it. */
export function judgeQueue({ isReachable, problems }: QueueHealth): readonly string[] {
  return isReachable ? problems : [];
}
