import { explainDatabaseError } from "../explain-database-error.ts";
import { explainFailure } from "../explain-failure.ts";
import type { Finding } from "./finding.ts";

const majorMin = 15;
/** The claim compares with the database's clock; a worker whose clock is off wakes that much too early or too late. */
const skewSecondsMax = 2;

/** Reachable, new enough, migrated, and of one mind with us about the time. */
export async function lookAtDatabase(url: string, now: () => Date): Promise<Finding[]> {
  const { openDatabase } = await import("@dripline/db/database");
  const { migrationState } = await import("@dripline/db/migrate");
  const db = openDatabase({ url, connectionsMax: 1, applicationName: "dripline doctor", onError: () => {} });
  try {
    await db.query("select 1"); // connecting takes time that must not count as skew
    const before = now().getTime();
    const { rows } = await db.query<{ version: string; clock: Date }>(
      "select current_setting('server_version') as version, clock_timestamp() as clock",
    );
    const skewSeconds = ((rows[0]?.clock.getTime() ?? 0) - (before + now().getTime()) / 2) / 1_000;
    return [judgeVersion(rows[0]?.version ?? "0"), judgeSkew(skewSeconds), judgeMigrations(await migrationState(db))];
  } catch (error) {
    const text = explainDatabaseError(error, url) ?? explainFailure(error);
    return [{ kind: "bad", text: "PostgreSQL cannot be used", remedy: text }];
  } finally {
    await db.end();
  }
}

export function judgeVersion(version: string): Finding {
  return Number.parseInt(version, 10) >= majorMin
    ? { kind: "good", text: `PostgreSQL ${version}` }
    : { kind: "bad", text: `PostgreSQL ${version}`, remedy: `Upgrade the server to ${majorMin} or newer.` };
}

export function judgeSkew(seconds: number): Finding {
  const text = `clock of the database: ${Math.abs(seconds).toFixed(1)} s ${seconds < 0 ? "behind" : "ahead of"} ours`;
  return Math.abs(seconds) <= skewSecondsMax
    ? { kind: "good", text }
    : {
        kind: "bad",
        text,
        remedy: "Let both machines take their time from NTP; emails would go out early or late by that much.",
      };
}

function judgeMigrations(state: "current" | "behind" | "newer"): Finding {
  switch (state) {
    case "current":
      return { kind: "good", text: "tables are those of this version" };
    case "behind":
      return { kind: "bad", text: "tables are older than this version", remedy: "Run: npm run dripline -- migrate" };
    case "newer":
      return {
        kind: "warning",
        text: "tables are of a newer version than this one",
        remedy: "Fine during an upgrade; otherwise install the newer version here as well.",
      };
  }
}
