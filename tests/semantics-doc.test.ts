import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = new URL("../", import.meta.url);
const document = await readFile(new URL("docs/semantics.md", root), "utf8");

/** Rows of the tables that have three cells: question, rule, proof. */
const rows = document
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| question"))
  .map((line) => line.split(" | ").map((cell) => cell.replace(/^\| | \|$/g, "")));

/** `path`: *name of a test* */
const proofs = [...document.matchAll(/`([^`]+\.test\.ts)`: \*([^*]+)\*/g)].map(([, path = "", name = ""]) => ({
  path,
  name,
}));

test("every rule of docs/semantics.md names a test", () => {
  expect(rows.length).toBeGreaterThan(40);
  for (const row of rows) {
    expect(row, row.join(" | ")).toHaveLength(3);
    expect(row[2], row[0]).toMatch(/`[^`]+\.test\.ts`: \*[^*]+\*/);
  }
});

test("every test that docs/semantics.md names exists under that name", async () => {
  for (const { path, name } of proofs) {
    const source = await readFile(fileURLToPath(new URL(path, root)), "utf8");
    expect(source.includes(name), `${path} has no test named "${name}"`).toBe(true);
  }
});
