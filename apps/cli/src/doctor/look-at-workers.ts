import type { WorkerSigns } from "@dripline/db/read-worker-signs";
import { askDatabase } from "./ask-database.ts";
import type { Finding } from "./finding.ts";

/** Whether somebody sends, and keeps up with what is due. */
export function lookAtWorkers(databaseUrl: string): Promise<Finding> {
  return askDatabase(databaseUrl, "whether a worker runs", async (db) => {
    const { readWorkerSigns } = await import("@dripline/db/read-worker-signs");
    return judgeWorkers(await readWorkerSigns(db));
  });
}

/** Nobody at work is bad once emails wait for them; an installation that is being set up has none yet. */
export function judgeWorkers({ isAtWork, overdue, oldestSeconds }: WorkerSigns): Finding {
  const emails = overdue === 1 ? "1 email has" : `${overdue} emails have`;
  const late = `${emails} been due for up to ${Math.round(oldestSeconds / 60)} min`;
  if (!isAtWork) {
    const remedy = "Start one, or look into its log for why it ended or hangs.";
    return overdue === 0
      ? { kind: "warning", text: "no worker is at work", remedy }
      : { kind: "bad", text: `no worker is at work, and ${late}`, remedy };
  }
  return overdue === 0
    ? { kind: "good", text: "a worker is at work, and nothing has been due for more than a minute" }
    : {
        kind: "warning",
        text: `a worker is at work, and ${late}`,
        remedy:
          "`dripline due --dry-run` lists them, `dripline explain <id>` says what one waits for. More workers help if they are all busy.",
      };
}
