import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { History } from "./history.ts";

/** Writes the history of a run beside its process logs, as JSON lines: one file each for what was seen of one kind. */
export async function keepHistory(directory: string, history: History, verdict: readonly string[]): Promise<void> {
  const { run, ...lists } = history;
  await writeFile(join(directory, "run.json"), `${JSON.stringify(run, null, 2)}\n`);
  await writeFile(join(directory, "verdict.txt"), verdict.map((line) => `${line}\n`).join(""));
  for (const [name, rows] of Object.entries(lists)) {
    await writeFile(join(directory, `${name}.jsonl`), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  }
}
