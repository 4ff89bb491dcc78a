import { type CliConfig, readCliConfig } from "@dripline/runtime/config";
import { describeConfigProblems } from "@dripline/runtime/config-problem";
import { findUnknownVariables } from "@dripline/runtime/unknown-variables";
import { installationAt } from "./installation.ts";
import { readRunFile } from "./run-file.ts";
import { UserError } from "./user-error.ts";

/**
 * The settings of the installation that a command is about: from the environment if it names a database, else from the
 * `dripline up` that runs in `directory`.
 * @throws UserError when there is neither, or when settings are wrong (all of them at once)
 */
export function findInstallation(env: NodeJS.ProcessEnv, directory: string): CliConfig {
  const result = readCliConfig(installationEnvironment(env, directory));
  if (result.ok) return result.config;
  throw new UserError(describeConfigProblems(result.problems, findUnknownVariables(env)));
}

/** As {@link findInstallation}, before it is read and judged. */
export function installationEnvironment(env: NodeJS.ProcessEnv, directory: string): NodeJS.ProcessEnv {
  if (isSet(env.DATABASE_URL) || isSet(env.DATABASE_URL_FILE)) return env;
  const running = readRunFile(installationAt(directory));
  if (running !== undefined) return { ...env, ...running.environment };
  // In an image nothing was ever started by `npm start`: what it needs is the variable, which is named with all others.
  if (env.NODE_ENV === "production") return env;
  const none = `No running installation found: DATABASE_URL is not set, and nothing runs in ${directory}. Start one with: npm start`;
  throw new UserError([none, ...findUnknownVariables(env).map(({ sentence }) => sentence)].join("\n"));
}

/**
 * PUBLIC_URL as it was given to the workers, where this command knows it. Not the default: whoever runs a command with
 * nothing but DATABASE_URL says nothing about where people reach the API.
 */
export function givenPublicUrl(
  env: NodeJS.ProcessEnv,
  directory: string,
  { publicUrl }: Pick<CliConfig, "publicUrl">,
): string | undefined {
  return isSet(installationEnvironment(env, directory).PUBLIC_URL) ? publicUrl : undefined;
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== "";
}
