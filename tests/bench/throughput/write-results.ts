import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Results } from "./results.ts";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const document = join(root, "docs/performance.md");
const [begin, end] = ["<!-- npm run bench: begin -->", "<!-- npm run bench: end -->"];

/** Beside what was built, which git leaves out. Answers where, from here. */
export async function writeJson(results: Results, wanted: string | undefined): Promise<string> {
  const name = `${results.startedAt.replaceAll(/[-:]|\.\d+/g, "")}.json`;
  const path = resolve(wanted ?? join(root, "tests/dist/bench-results", name));
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${JSON.stringify(results, null, 2)}\n`);
  return relative(process.cwd(), path);
}

/** Puts the table between its two marks in docs/performance.md. */
export async function writeDocument(table: string): Promise<void> {
  const text = await readFile(document, "utf8");
  const [start, stop] = [text.indexOf(begin), text.indexOf(end)];
  if (start < 0 || stop < start)
    throw new Error(`docs/performance.md has no place "${begin}" … "${end}" for the table.`);
  await writeFile(document, `${text.slice(0, start + begin.length)}\n\n${table}\n\n${text.slice(stop)}`);
}
