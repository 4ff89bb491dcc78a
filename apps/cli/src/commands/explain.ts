import { describeExplanation } from "../describe-explanation.ts";
import { findInstallation, givenPublicUrl } from "../find-installation.ts";
import { isUuid } from "../is-uuid.ts";
import { UserError } from "../user-error.ts";
import { withDatabase } from "../with-database.ts";

/**
 * Says why an email goes out when it does, or does not: of one execution, or of those that are open in an enrollment or
 * for a contact's address. Nothing is touched.
 */
export async function explain(
  env: NodeJS.ProcessEnv,
  directory: string,
  { which, json }: { readonly which: string; readonly json: boolean },
): Promise<void> {
  if (!isUuid(which) && !which.includes("@")) {
    throw new UserError(
      `"${which}" is neither an id nor an address: write an execution's id (due --dry-run --json shows them), an enrollment's id, or a contact's address.`,
    );
  }
  const config = findInstallation(env, directory);
  const { databaseUrl, dayLengthMilliseconds, limits, mailFrom } = config;
  const [{ findMeantExecutions }, { explainExecutions }, { REAL_PACE }] = await Promise.all([
    import("@dripline/db/queries/read-execution-records"),
    import("@dripline/engine/explain-executions"),
    import("@dripline/domain/delay"),
  ]);
  const pace = dayLengthMilliseconds === undefined ? REAL_PACE : { dayMilliseconds: dayLengthMilliseconds };
  const sender = mailFrom?.address ?? null;
  const publicUrl = givenPublicUrl(env, directory, config);
  const explanations = await withDatabase(databaseUrl, async (db) => {
    const ids = await findMeantExecutions(db, which.includes("@") ? { email: which } : { id: which });
    return explainExecutions({ db, pace, limits, sender, publicUrl }, ids);
  });
  if (explanations.length === 0) {
    throw new UserError(`There is no execution of "${which}": nothing and nobody that was ever enrolled goes by it.`);
  }
  console.log(json ? JSON.stringify(explanations, null, 2) : explanations.map(describeExplanation).join("\n\n"));
}
