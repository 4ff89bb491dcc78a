import { readCliConfig } from "@dripline/runtime/config";
import { findUnknownVariables } from "@dripline/runtime/unknown-variables";
import { describeFinding, type Finding } from "../doctor/finding.ts";
import { lookAtApi } from "../doctor/look-at-api.ts";
import { lookAtDatabase } from "../doctor/look-at-database.ts";
import { lookAtDelivery } from "../doctor/look-at-delivery.ts";
import { lookAtFence } from "../doctor/look-at-fence.ts";
import { lookAtLocalStart } from "../doctor/look-at-local-start.ts";
import { lookAtNode } from "../doctor/look-at-node.ts";
import { lookAtQueue } from "../doctor/look-at-queue.ts";
import { lookAtLinks, lookAtSmtp } from "../doctor/look-at-smtp.ts";
import { lookAtWorkers } from "../doctor/look-at-workers.ts";
import { givenPublicUrl, installationEnvironment } from "../find-installation.ts";
import { UserError } from "../user-error.ts";

export interface DoctorOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly directory: string;
  readonly json: boolean;
  readonly now: () => Date;
}

/**
 * Looks at each thing that an installation needs and says what to do about what is wrong.
 * @returns the exit code: 0 if nothing is bad
 */
export async function doctor({ env, directory, json, now }: DoctorOptions): Promise<number> {
  const findings = await lookAtEverything(env, directory, now);
  const bad = findings.filter(({ kind }) => kind === "bad").length;
  if (json) {
    console.log(JSON.stringify({ isHealthy: bad === 0, findings }, null, 2));
  } else {
    for (const finding of findings) console.log(describeFinding(finding));
    console.log(bad === 0 ? "\nNothing is wrong." : `\n${bad} ${bad === 1 ? "thing needs" : "things need"} attention.`);
  }
  return bad === 0 ? 0 : 1;
}

async function lookAtEverything(env: NodeJS.ProcessEnv, directory: string, now: () => Date): Promise<Finding[]> {
  const node = lookAtNode(process.versions.node);
  const unknown = findUnknownVariables(env).map(
    ({ name, remedy }) => ({ kind: "warning", text: `${name} is set, and nothing reads it`, remedy }) as const,
  );
  const found = tryToFind(env, directory);
  if (found instanceof UserError)
    return [
      node,
      { kind: "warning", text: "nothing is running here", remedy: found.message },
      ...(await lookAtLocalStart(directory)),
    ];

  const read = readCliConfig(found);
  const problems = read.ok ? [] : read.problems;
  const wrong = problems.map(
    ({ variable, problem, remedy }) =>
      ({ kind: "bad", text: `${variable} ${problem}`, remedy: `Write: ${remedy}` }) as const,
  );
  // One wrong setting must not hide what is wrong elsewhere: the rest is looked at without it.
  const rest = read.ok ? read : readCliConfig(without(found, problems));
  if (!rest.ok) return [node, ...wrong, ...unknown];
  const { databaseUrl, redisUrl, smtpUrl, secret, publicUrl } = rest.config;
  // What is wrong with a setting, or its file, was said: looking without it would only mislead.
  const isSaid = (name: string) => problems.some(({ variable }) => [name, `${name}_FILE`].includes(variable));
  const database = await lookAtDatabase(databaseUrl, now);
  return [
    node,
    ...wrong,
    ...unknown,
    ...(isSaid("DRIPLINE_SECRET") ? [] : [lookAtSecret(secret)]),
    ...database.findings,
    ...(database.isReadable ? [await lookAtFence(databaseUrl, givenPublicUrl(found, directory, rest.config))] : []),
    ...(isSaid("REDIS_URL") ? [] : await lookAtQueue({ databaseUrl, redisUrl }, now)),
    ...(isSaid("SMTP_URL") ? [] : [await lookAtMailServer(smtpUrl), ...lookAtLinks(publicUrl, smtpUrl)]),
    // They would only repeat that the database cannot be asked.
    ...(database.isReadable ? [...(await lookAtDelivery(databaseUrl)), await lookAtWorkers(databaseUrl)] : []),
    await lookAtApi(publicUrl),
  ];
}

function lookAtMailServer(smtpUrl: string | undefined): Finding | Promise<Finding> {
  return smtpUrl === undefined
    ? { kind: "warning", text: "SMTP_URL is not set", remedy: "Workers need it: smtp://user:password@host:587" }
    : lookAtSmtp(smtpUrl);
}

function without(env: NodeJS.ProcessEnv, problems: readonly { readonly variable: string }[]): NodeJS.ProcessEnv {
  const names = problems.flatMap(({ variable }) => [variable, `${variable}_FILE`]);
  return Object.fromEntries(Object.entries(env).filter(([name]) => !names.includes(name)));
}

function tryToFind(env: NodeJS.ProcessEnv, directory: string): NodeJS.ProcessEnv | UserError {
  try {
    return installationEnvironment(env, directory);
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
}

/** Too short a secret was refused when the settings were read. */
function lookAtSecret(secret: string | undefined): Finding {
  return secret === undefined
    ? { kind: "warning", text: "DRIPLINE_SECRET is not set", remedy: "API and workers need it: openssl rand -hex 32" }
    : { kind: "good", text: "DRIPLINE_SECRET is long enough" };
}
