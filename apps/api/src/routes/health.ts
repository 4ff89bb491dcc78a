import { getLiveness, getReadiness, type Readiness } from "@dripline/contract/health";
import { type MigrationState, migrationState } from "@dripline/db/migration-state";
import { readFence } from "@dripline/db/read-fence";
import type { FastifyBaseLogger, FastifyInstance } from "fastify";
import type { Deps } from "../deps.ts";
import { ProblemError } from "../problem-error.ts";
import { serve } from "../serve.ts";

type Check = Readiness["checks"]["database"];

const up: Check = { status: "up", detail: "" };

export function serveHealth(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, getLiveness, async () => ({ status: "alive" as const }));

  serve(app, deps, getReadiness, async ({ log }) => {
    const [stored, queue] = await Promise.all([checkDatabase(deps, log), checkQueue(deps, log)]);
    const checks = { ...stored, fence: await checkFence(deps, stored), queue };
    const reason = Object.values(stored).find(({ status }) => status === "down")?.detail;
    if (reason !== undefined) throw new ProblemError("not_ready", reason, { extensions: { checks } });
    const doEmailsLeave = checks.fence.status === "up" && queue.status === "up";
    return { status: doEmailsLeave ? ("ready" as const) : ("degraded" as const), checks };
  });
}

// Anybody can read these answers: what exactly went wrong goes to the log.
async function checkDatabase(
  { database }: Deps,
  log: FastifyBaseLogger,
): Promise<{ database: Check; migrations: Check }> {
  try {
    return { database: up, migrations: describeMigrations(await migrationState(database)) };
  } catch (err) {
    log.warn({ err }, "not ready: the database does not answer");
    return {
      database: { status: "down", detail: "The database does not answer." },
      migrations: { status: "down", detail: "Unknown, because the database does not answer." },
    };
  }
}

function describeMigrations(state: MigrationState): Check {
  switch (state) {
    case "current":
      return up;
    case "behind":
      return { status: "down", detail: "The database is older than this version: run `dripline migrate`." };
    case "newer":
      return { status: "up", detail: "The database is newer than this version: a newer version is being rolled out." };
  }
}

// Anybody can read these answers: where the data comes from is for those who run commands.
async function checkFence(
  { database, publicUrl }: Deps,
  stored: { readonly database: Check; readonly migrations: Check },
): Promise<Check> {
  const isUnknown = Object.values(stored).some(({ status }) => status === "down");
  if (isUnknown) return { status: "down", detail: "Unknown, because the database cannot be used." };
  const { kind } = await readFence(database, publicUrl);
  if (kind === "open") return up;
  const detail = "This database is a copy or was restored: nothing is sent until somebody runs `dripline adopt`.";
  return { status: "down", detail };
}

async function checkQueue({ queue }: Deps, log: FastifyBaseLogger): Promise<Check> {
  const { isReachable, problems, backend } = await queue.check();
  if (isReachable && problems.length === 0) return up;
  log.warn({ problems, backend }, "the queue is not well");
  const detail = isReachable
    ? "The queue has a setting that must be changed: `dripline doctor` says which."
    : "The queue does not answer. Enrolling goes on; emails go out when it is back.";
  return { status: "down", detail };
}
