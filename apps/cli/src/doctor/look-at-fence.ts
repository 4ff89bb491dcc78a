import { adoptRemedy } from "@dripline/domain/fence";
import { askDatabase } from "./ask-database.ts";
import type { Finding } from "./finding.ts";

/** Whether email may leave from this database. `publicUrl` as the workers have it, where it is known. */
export function lookAtFence(databaseUrl: string, publicUrl: string | undefined): Promise<Finding> {
  return askDatabase<Finding>(databaseUrl, "whether this database is a copy", async (db) => {
    const { readFence } = await import("@dripline/db/read-fence");
    const fence = await readFence(db, publicUrl);
    if (fence.kind === "closed") return { kind: "bad", text: fence.message, remedy: adoptRemedy };
    const at = fence.publicOrigin === null ? "" : ` at ${fence.publicOrigin}`;
    return { kind: "good", text: `database adopted${at} on ${fence.adoptedAt.toISOString()}` };
  });
}
