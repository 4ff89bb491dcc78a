import { randomBytes } from "node:crypto";
import { readApiConfig, readWorkerConfig } from "@dripline/runtime/config";
import { describeConfigProblems } from "@dripline/runtime/config-problem";
import { isLocalSmtp } from "@dripline/runtime/is-local-smtp";
import { readSecretFiles } from "@dripline/runtime/secret-files";
import { findUnknownVariables } from "@dripline/runtime/unknown-variables";
import { type Installation, readKept, writePrivateFile } from "./installation.ts";
import type { Ports } from "./ports.ts";
import { serviceEnvironment } from "./service-environment.ts";
import { UserError } from "./user-error.ts";

/** What a local stack runs with. Undefined addresses are those of its embedded parts. */
export interface StackSettings {
  readonly databaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
  readonly smtpUrl: string | undefined;
  /** As typed, e.g. "5s". */
  readonly dayLength: string | undefined;
  readonly dayLengthMilliseconds: number | undefined;
  readonly graceSeconds: number;
  readonly host: string;
  readonly publicUrl: string;
  readonly secret: string;
  /** The environment of the API and the worker, once the addresses are known. */
  serviceEnvironment(addresses: { databaseUrl: string; smtpUrl: string }): NodeJS.ProcessEnv;
}

export interface StackRequest {
  readonly env: NodeJS.ProcessEnv;
  readonly installation: Installation;
  readonly ports: Ports;
  /** From --day. */
  readonly dayLength: string | undefined;
}

/**
 * Reads and judges all settings before anything is started.
 * @throws UserError with the list of everything that is missing or wrong
 */
export function readStackSettings(request: StackRequest): StackSettings {
  const { env, problems } = readSecretFiles(request.env);
  if (problems.length > 0) throw new UserError(describeConfigProblems(problems));
  const { installation, ports } = request;
  const dayLength = request.dayLength ?? nonEmpty(env.DRIPLINE_DAY_LENGTH);
  const databaseUrl = nonEmpty(env.DATABASE_URL);
  const redisUrl = nonEmpty(env.REDIS_URL);
  const smtpUrl = nonEmpty(env.SMTP_URL);
  if (dayLength !== undefined && smtpUrl !== undefined && !isLocalSmtp(smtpUrl)) {
    throw new UserError(
      "Compressed time (--day) is refused with a mail server outside this machine: it would send weeks of email to people within minutes. Unset SMTP_URL to use the inbox.",
    );
  }
  const isLocal = smtpUrl === undefined || isLocalSmtp(smtpUrl);
  const build = (addresses: { databaseUrl: string; smtpUrl: string }) =>
    serviceEnvironment(env, {
      ...addresses,
      redisUrl,
      secret: nonEmpty(env.DRIPLINE_SECRET) ?? keptSecret(installation),
      // To people outside, mail needs a sender that exists; the worker asks for it.
      mailFrom: nonEmpty(env.MAIL_FROM) ?? (isLocal ? "Dripline <hello@example.com>" : undefined),
      // So do the links in it, in production; the services ask for it.
      publicUrl: nonEmpty(env.PUBLIC_URL) ?? (isLocal ? `http://127.0.0.1:${ports.api}` : undefined),
      apiPort: ports.api,
      dayLength,
    });
  const trial = build({
    databaseUrl: databaseUrl ?? "postgres://not-started-yet.invalid/dripline",
    smtpUrl: smtpUrl ?? "smtp://127.0.0.1:25",
  });
  const api = readApiConfig(trial);
  const worker = readWorkerConfig(trial);
  const found = [...(api.ok ? [] : api.problems), ...(worker.ok ? [] : worker.problems)];
  const once = found.filter(({ variable }, index) => found.findIndex((other) => other.variable === variable) === index);
  if (!api.ok || once.length > 0) throw new UserError(describeConfigProblems(once, findUnknownVariables(env)));
  return {
    databaseUrl,
    redisUrl,
    smtpUrl,
    dayLength,
    dayLengthMilliseconds: api.config.dayLengthMilliseconds,
    publicUrl: api.config.publicUrl,
    secret: api.config.secret,
    graceSeconds: api.config.shutdownGraceSeconds,
    host: api.config.host,
    serviceEnvironment: build,
  };
}

/** Made once: links in emails that were sent stay valid. */
function keptSecret({ secretFile }: Installation): string {
  const kept = readKept(secretFile);
  if (kept !== undefined && kept !== "") return kept;
  const secret = randomBytes(32).toString("base64url");
  writePrivateFile(secretFile, `${secret}\n`);
  return secret;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text === "" ? undefined : text;
}
