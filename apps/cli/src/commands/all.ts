import { fileURLToPath } from "node:url";
import { readApiConfig, readWorkerConfig } from "@dripline/runtime/config";
import { type ConfigProblem, describeConfigProblems } from "@dripline/runtime/config-problem";
import { createLogger } from "@dripline/runtime/logger";
import { handleShutdown } from "@dripline/runtime/shutdown";
import { findUnknownVariables } from "@dripline/runtime/unknown-variables";
import { keepRunning, type ServiceKept } from "../keep-running.ts";
import { UserError } from "../user-error.ts";
import { workerEnvironment } from "../worker-environment.ts";

/** What the services are given beyond their own grace period, to say their last words and be gone. */
const marginSeconds = 3;

/**
 * Runs the API and one worker together until told to stop, as processes of their own, with their output as ours: for a
 * small host, or a container of one's own. Either is started again when it dies; when one dies again and again, or cannot
 * start at all, both are stopped and this process ends with 1, so that whatever watches over it knows.
 *
 * `METRICS_PORT` is the API's; the worker listens on the one after it.
 * @throws UserError with everything that is wrong with the settings of either
 */
export async function all(env: NodeJS.ProcessEnv): Promise<void> {
  const [api, worker] = [readApiConfig(env), readWorkerConfig(env)];
  if (!api.ok || !worker.ok) {
    throw new UserError(describeConfigProblems(problemsOf(api, worker), findUnknownVariables(env)));
  }

  const { logLevel: level, shutdownGraceSeconds } = worker.config;
  const log = createLogger({ role: "all", level, isTerminal: process.stdout.isTTY === true });
  const shutdown = handleShutdown({ log, graceSeconds: shutdownGraceSeconds + marginSeconds });
  const keep = (name: string, app: "api" | "worker", environment: NodeJS.ProcessEnv) =>
    keepRunning({
      name,
      script: fileURLToPath(new URL(`../../../${app}/dist/main.js`, import.meta.url)),
      env: environment,
      log,
      signal: shutdown.signal,
      onHopeless: () => shutdown.stop(`the ${name} cannot run`, 1),
    });
  const services = [keep("API", "api", env), keep("worker", "worker", workerEnvironment(env))];
  shutdown.onClose("API and worker", () => stopAll(services));

  await Promise.all(services.map(({ ready }) => ready));
  if (shutdown.signal.aborted) return;
  log.info({}, "ready");
  process.send?.({ type: "ready" });
}

/** At the same time: one after the other would need two grace periods. */
async function stopAll(services: readonly ServiceKept[]): Promise<void> {
  const ends = await Promise.allSettled(services.map((service) => service.stop()));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}

/** Most settings are those of both. */
function problemsOf(...results: readonly { ok: boolean; problems?: readonly ConfigProblem[] }[]): ConfigProblem[] {
  const byVariable = new Map<string, ConfigProblem>();
  for (const { problems = [] } of results) for (const each of problems) byVariable.set(each.variable, each);
  return [...byVariable.values()];
}
