import { secretVariables } from "@dripline/runtime/secret-files";

export interface ServiceSettings {
  readonly databaseUrl: string;
  readonly redisUrl: string | undefined;
  readonly smtpUrl: string;
  readonly secret: string;
  readonly mailFrom: string | undefined;
  readonly publicUrl: string | undefined;
  readonly apiPort: number;
  /** As typed, e.g. "5s". */
  readonly dayLength: string | undefined;
}

/**
 * The environment of the API and the worker: ours, with what `up` decided in its place. The `<NAME>_FILE` forms go,
 * since their content is in the variable now and both together would be refused.
 */
export function serviceEnvironment(env: NodeJS.ProcessEnv, settings: ServiceSettings): NodeJS.ProcessEnv {
  const result: NodeJS.ProcessEnv = {
    ...env,
    DATABASE_URL: settings.databaseUrl,
    REDIS_URL: settings.redisUrl,
    SMTP_URL: settings.smtpUrl,
    DRIPLINE_SECRET: settings.secret,
    MAIL_FROM: settings.mailFrom,
    PUBLIC_URL: settings.publicUrl,
    API_PORT: String(settings.apiPort),
    DRIPLINE_DAY_LENGTH: settings.dayLength,
  };
  for (const name of [...secretVariables.map((variable) => `${variable}_FILE`), "NODE_CHANNEL_FD"]) delete result[name];
  for (const [name, value] of Object.entries(result)) if (value === undefined) delete result[name];
  return result;
}
