import type { ClockSkew } from "@dripline/db/clock-skew";
import type { Database } from "@dripline/db/database";
import { explainDatabaseError } from "@dripline/db/explain-database-error";
import type { MigrationState } from "@dripline/db/migration-state";
import { judgeClock, judgeMigrations } from "@dripline/engine/judge-start";
import { explainFailure } from "../explain-failure.ts";
import type { Finding } from "./finding.ts";

const majorMin = 15;
/** Workers send by the database's clock, but wake by their own: that much too early or too late. NTP keeps it far below. */
const skewSecondsNoticed = 2;

export interface DatabaseFindings {
  readonly findings: readonly Finding[];
  /** Its tables are there: other looks can ask it. */
  readonly isReadable: boolean;
}

/** Reachable, new enough, taking writes, migrated, and of one mind with us about the time. */
export async function lookAtDatabase(url: string, now: () => Date): Promise<DatabaseFindings> {
  const { readClockSkew } = await import("@dripline/db/clock-skew");
  const { openDatabase } = await import("@dripline/db/database");
  const { migrationState } = await import("@dripline/db/migration-state");
  const db = openDatabase({ url, connectionsMax: 1, applicationName: "dripline doctor", onError: () => {} });
  try {
    // First of all, because connecting takes time that must not count as skew.
    const { rows } = await db.query<{ version: string }>("select current_setting('server_version') as version");
    const skew = await readClockSkew(db, now);
    const state = await migrationState(db);
    const findings = [
      judgeVersion(rows[0]?.version ?? "0"),
      await lookAtWriting(db, url),
      judgeSkew(skew),
      describeMigrations(state),
    ];
    return { findings, isReadable: state !== "behind" };
  } catch (error) {
    const text = explainDatabaseError(error, url) ?? explainFailure(error);
    return { findings: [{ kind: "bad", text: "PostgreSQL cannot be used", remedy: text }], isReadable: false };
  } finally {
    await db.end();
  }
}

/** A full disk and a standby answer everything that only reads. */
async function lookAtWriting(db: Database, url: string): Promise<Finding> {
  const { tryWriting } = await import("@dripline/db/try-writing");
  try {
    await tryWriting(db);
    return { kind: "good", text: "the database takes writes" };
  } catch (error) {
    return mayNotTry(error)
      ? {
          kind: "warning",
          text: "whether the database takes writes cannot be tried",
          remedy: "Its user may not make temporary tables. To have it tried: GRANT TEMPORARY ON DATABASE … TO …",
        }
      : {
          kind: "bad",
          text: "the database answers, but cannot write: nothing is sent",
          remedy: explainDatabaseError(error, url) ?? explainFailure(error),
        };
  }
}

/** Everybody may make temporary tables unless somebody took that away. */
function mayNotTry(error: unknown): boolean {
  return (error as { code?: unknown }).code === "42501";
}

export function judgeVersion(version: string): Finding {
  return Number.parseInt(version, 10) >= majorMin
    ? { kind: "good", text: `PostgreSQL ${version}` }
    : { kind: "bad", text: `PostgreSQL ${version}`, remedy: `Upgrade the server to ${majorMin} or newer.` };
}

export function judgeSkew(skew: ClockSkew): Finding {
  const seconds = skew.milliseconds / 1_000;
  const text = `clock of the database: ${Math.abs(seconds).toFixed(1)} s ${seconds < 0 ? "behind" : "ahead of"} ours`;
  const refusal = judgeClock(skew);
  if (refusal !== undefined) return { kind: "bad", text, remedy: refusal };
  return Math.abs(seconds) <= skewSecondsNoticed
    ? { kind: "good", text }
    : {
        kind: "warning",
        text,
        remedy: "Let both machines take their time from NTP; emails go out that much later than they could.",
      };
}

function describeMigrations(state: MigrationState): Finding {
  const refusal = judgeMigrations(state);
  return refusal === undefined
    ? { kind: "good", text: "tables are those of this version" }
    : { kind: "bad", text: `tables are ${state === "behind" ? "older" : "newer"} than this version`, remedy: refusal };
}
