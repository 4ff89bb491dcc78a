import { adoptRemedy } from "@dripline/domain/fence";
import { explainFailure } from "../explain-failure.ts";
import type { Finding } from "./finding.ts";

/** Whether email may leave from this database. `publicUrl` as the workers have it, where it is known. */
export async function lookAtFence(databaseUrl: string, publicUrl: string | undefined): Promise<Finding> {
  const { openDatabase } = await import("@dripline/db/database");
  const { readFence } = await import("@dripline/db/read-fence");
  const db = openDatabase({
    url: databaseUrl,
    connectionsMax: 1,
    applicationName: "dripline doctor",
    onError: () => {},
  });
  try {
    const fence = await readFence(db, publicUrl);
    if (fence.kind === "closed") return { kind: "bad", text: fence.message, remedy: adoptRemedy };
    const at = fence.publicOrigin === null ? "" : ` at ${fence.publicOrigin}`;
    return { kind: "good", text: `database adopted${at} on ${fence.adoptedAt.toISOString()}` };
  } catch (error) {
    // What is wrong with the database itself is told by the look at it.
    return { kind: "warning", text: "whether this database is a copy cannot be read", remedy: explainFailure(error) };
  } finally {
    await db.end();
  }
}
