import { opsLink } from "@dripline/runtime/ops-link";
import { findInstallation } from "../find-installation.ts";
import { UserError } from "../user-error.ts";

const validHours = 12;

/** Prints a link that signs a browser in to the queue's page. */
export function printOpsLink(env: NodeJS.ProcessEnv, directory: string, now: Date): void {
  const { secret, publicUrl } = findInstallation(env, directory);
  if (secret === undefined) {
    throw new UserError("DRIPLINE_SECRET is not set. Write the one that the API runs with; it signs the link.");
  }
  console.error(`Bull Board, for ${validHours} hours:`);
  console.log(opsLink(publicUrl, secret, { now, validSeconds: validHours * 3_600 }));
}
