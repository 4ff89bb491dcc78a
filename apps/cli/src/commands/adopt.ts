import type { Database } from "@dripline/db/database";
import type { Fence } from "@dripline/domain/fence";
import { type AskFirst, askFirst } from "../ask-first.ts";
import { describeAdoption } from "../describe-adoption.ts";
import { findInstallation, givenPublicUrl } from "../find-installation.ts";
import { readInstant } from "../read-instant.ts";
import { UserError } from "../user-error.ts";
import { withDatabase } from "../with-database.ts";

export interface AdoptOptions extends AskFirst {
  /** Hold what was due by then, as typed; true: by now. */
  readonly holdDue: string | true | undefined;
  /** Close the fence instead. */
  readonly revoke: boolean;
  readonly print: (line: string) => void;
}

const actor = "dripline adopt";

/**
 * Lets email leave from a database that is a copy or was restored, after saying what that means.
 * @throws UserError when nobody is there to be asked and --yes was not given
 */
export async function adopt(env: NodeJS.ProcessEnv, directory: string, options: AdoptOptions): Promise<void> {
  const config = findInstallation(env, directory);
  const publicUrl = givenPublicUrl(env, directory, config);
  await withDatabase(config.databaseUrl, (db) =>
    options.revoke ? revoke(db, options) : adoptAfterAsking(db, publicUrl, options),
  );
}

async function adoptAfterAsking(db: Database, publicUrl: string | undefined, options: AdoptOptions): Promise<void> {
  const { print } = options;
  const [{ readFence }, { countDue }, { adoptDatabase }, { readDatabaseNow }] = await Promise.all([
    import("@dripline/db/read-fence"),
    import("@dripline/db/queries/count-due"),
    import("@dripline/engine/adopt-database"),
    import("@dripline/db/database-clock"),
  ]);
  const fence = await readFence(db, publicUrl);
  if (fence.kind === "open") return print(describeOpen(fence, publicUrl));
  const { holdDue } = options;
  const holdDueBy =
    holdDue === undefined ? null : holdDue === true ? await readDatabaseNow(db) : readInstant("--hold-due", holdDue);
  for (const line of describeAdoption(fence.message, await countDue(db), holdDueBy)) print(line);

  const answer = await askFirst(options, "Adopt this database?");
  if (answer === "nobody_to_ask") throw new UserError("\nNothing was changed. If that is what you want, add --yes.");
  if (answer === "no") return print("Nothing was changed.");
  const result = await adoptDatabase({ db, actor }, { publicUrl, holdDueBy });
  if (result.kind === "open_already") return print(describeOpen(result.fence, publicUrl));
  print("\nAdopted: workers that run send from here within seconds.");
  if (holdDueBy !== null) {
    print(
      `${result.held} ${result.held === 1 ? "email is" : "emails are"} held. See them: dripline due --dry-run. Send them: dripline retry --held.`,
    );
  }
}

async function revoke(db: Database, options: AdoptOptions): Promise<void> {
  const { print } = options;
  const answer = await askFirst(options, "Send nothing from this database until somebody adopts it again?");
  if (answer === "nobody_to_ask") throw new UserError("Nothing was changed. If that is what you want, add --yes.");
  if (answer === "no") return print("Nothing was changed.");
  const { revokeAdoption } = await import("@dripline/engine/adopt-database");
  const isRevoked = await revokeAdoption({ db, actor });
  print(isRevoked ? "Nothing is sent from here until: dripline adopt" : "Nothing was sent from here before.");
}

function describeOpen(
  { adoptedAt, publicOrigin }: Extract<Fence, { kind: "open" }>,
  publicUrl: string | undefined,
): string {
  const at = publicOrigin === null ? "" : ` at ${publicOrigin}`;
  const lines = [`Nothing to do: this database was adopted${at} on ${adoptedAt.toISOString()}, and sends.`];
  if (publicOrigin !== null && publicUrl === undefined) {
    lines.push(
      "If a worker says that its PUBLIC_URL is another, set PUBLIC_URL for this command as the worker has it.",
    );
  }
  return lines.join("\n");
}
