import { readCliConfig } from "@dripline/runtime/config";
import { describeFinding, type Finding } from "../doctor/finding.ts";
import { lookAtApi } from "../doctor/look-at-api.ts";
import { lookAtDatabase } from "../doctor/look-at-database.ts";
import { lookAtLocalStart } from "../doctor/look-at-local-start.ts";
import { lookAtNode } from "../doctor/look-at-node.ts";
import { lookAtQueue } from "../doctor/look-at-queue.ts";
import { lookAtSmtp } from "../doctor/look-at-smtp.ts";
import { installationEnvironment } from "../find-installation.ts";
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
  const found = tryToFind(env, directory);
  if (found instanceof UserError)
    return [
      node,
      { kind: "warning", text: "nothing is running here", remedy: found.message },
      ...(await lookAtLocalStart(directory)),
    ];

  const read = readCliConfig(found);
  if (!read.ok) {
    return [
      node,
      ...read.problems.map(
        ({ variable, problem, remedy }) =>
          ({ kind: "bad", text: `${variable} ${problem}`, remedy: `Write: ${remedy}` }) as const,
      ),
    ];
  }
  const { databaseUrl, redisUrl, smtpUrl, secret, publicUrl } = read.config;
  return [
    node,
    lookAtSecret(secret),
    ...(await lookAtDatabase(databaseUrl, now)),
    ...(await lookAtQueue({ databaseUrl, redisUrl }, now)),
    smtpUrl === undefined
      ? { kind: "warning", text: "SMTP_URL is not set", remedy: "Workers need it: smtp://user:password@host:587" }
      : await lookAtSmtp(smtpUrl),
    await lookAtApi(publicUrl),
  ];
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
