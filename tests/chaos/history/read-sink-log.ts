import { readFile } from "node:fs/promises";
import type { SinkEntry } from "../sink/sink-entry.ts";

/** The sink's log. A last line without its end was never answered: it is left out. */
export async function readSinkLog(path: string): Promise<SinkEntry[]> {
  const lines = (await readFile(path, "utf8")).split("\n");
  return lines.slice(0, -1).map((line) => JSON.parse(line) as SinkEntry);
}
