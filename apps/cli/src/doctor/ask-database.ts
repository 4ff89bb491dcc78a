import type { Database } from "@dripline/db/database";
import { explainFailure } from "../explain-failure.ts";
import type { Finding } from "./finding.ts";

/**
 * What `look` finds on a connection of its own. Where the database does not answer it is a warning that `what` cannot be read:
 * what is wrong with the database itself is told by the look at it.
 */
export async function askDatabase<Found extends Finding | readonly Finding[]>(
  databaseUrl: string,
  what: string,
  look: (db: Database) => Promise<Found>,
): Promise<Found | Finding> {
  const { openDatabase } = await import("@dripline/db/database");
  const db = openDatabase({
    url: databaseUrl,
    connectionsMax: 1,
    applicationName: "dripline doctor",
    onError: () => {},
  });
  try {
    return await look(db);
  } catch (error) {
    return { kind: "warning", text: `${what} cannot be read`, remedy: explainFailure(error) };
  } finally {
    await db.end();
  }
}
