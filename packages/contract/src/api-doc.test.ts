import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { scopes } from "./operation.ts";
import { problemCodes } from "./problem.ts";

const fileAt = (name: string) => fileURLToPath(new URL(`../../../docs/${name}`, import.meta.url));

test("docs/problem-codes.md lists every code with its status and meaning (npm test -- packages/contract --update rewrites it)", async () => {
  const rows = Object.entries(problemCodes).map(
    ([code, { status, meaning }]) => `| \`${code}\` | ${status} | ${meaning} |`,
  );
  const text = `# Problem codes

What \`code\` can be in an answer that is not a success, see [api.md](api.md#errors). Written by a test from
\`packages/contract/src/problem.ts\`.

| code | status | meaning |
|---|---|---|
${rows.join("\n")}
`;

  await expect(text).toMatchFileSnapshot(fileAt("problem-codes.md"));
});

test("docs/api.md tells of every scope, and of no other", () => {
  const [, table = ""] = readFileSync(fileAt("api.md"), "utf8").split("| scope | allows |\n|---|---|\n");
  const [rows = ""] = table.split("\n\n");

  expect(rows.split("\n").map((row) => row.split("`")[1])).toEqual([...scopes]);
});
