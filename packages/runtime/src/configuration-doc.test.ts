import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { type ConfigResult, readApiConfig, readCliConfig, readWorkerConfig } from "./config.ts";
import {
  type ConfigRole,
  configEntries,
  type Environment,
  otherVariables,
  type VariableEntry,
} from "./config-variables.ts";

const file = fileURLToPath(new URL("../../../docs/configuration.md", import.meta.url));
const marks = /(<!-- The table is written by .*? -->\n)[\s\S]*?(\n<!-- end of the table -->)/;

test("docs/configuration.md has every variable (npm test -- packages/runtime --update rewrites it)", async () => {
  const page = readFileSync(file, "utf8");
  expect(page).toMatch(marks);
  const rows = [
    ...configEntries.map(([name, entry]) => row(name, entry)),
    ...Object.entries(otherVariables).map(other),
  ];
  const table = ["| variable | what | write | without it | read by |", "|---|---|---|---|---|", ...rows].join("\n");
  await expect(page.replace(marks, (_, begin, end) => `${begin}\n${table}\n${end}`)).toMatchFileSnapshot(file);
});

function row(name: string, entry: VariableEntry): string {
  const { what, write, default: value, without, readBy, neededBy = [], isSecret } = entry;
  const names = isSecret ? `\`${name}\`, \`${name}_FILE\`` : `\`${name}\``;
  const refusal = neededBy.length === 0 ? [] : [`**refused** (${list(neededBy)})`];
  const otherwise = [...refusal, ...(value === undefined ? [] : [`\`${value}\``]), ...(without ? [without] : [])];
  // "Name <address>" would be HTML.
  return `| ${names} | ${what} | ${write.replaceAll("<", "\\<")} | ${otherwise.join("; ")} | ${list(readBy)} |`;
}

function other([name, what]: [string, string]): string {
  return `| \`${name}\` | ${what} | | | |`;
}

function list(roles: readonly ConfigRole[]): string {
  return roles.length === 3 ? "all" : roles.map((role) => (role === "command" ? "commands" : role)).join(", ");
}

describe("what the table says is so", () => {
  const read: Record<ConfigRole, (env: Environment) => ConfigResult<unknown>> = {
    api: readApiConfig,
    worker: readWorkerConfig,
    command: readCliConfig,
  };
  const roles = Object.keys(read) as ConfigRole[];
  const good = {
    DATABASE_URL: "postgres://localhost/dripline",
    DRIPLINE_SECRET: "0123456789abcdef0123456789abcdef",
    SMTP_URL: "smtp://127.0.0.1:25",
    MAIL_FROM: "hello@example.com",
  };
  const report = (name: string, env: Environment) =>
    roles.filter((role) => {
      const result = read[role](env);
      return !result.ok && result.problems.some(({ variable }) => variable === name);
    });

  test.each(configEntries)("%s: who reads it, and who does not start without it", (name, { readBy, neededBy = [] }) => {
    const { [name as keyof typeof good]: _, ...rest } = good;
    expect(report(name, { ...good, [name]: " / " })).toEqual(readBy);
    expect(report(name, rest)).toEqual(neededBy);
  });

  test.each(configEntries)("%s: the default could be written", (_, { default: value, schema, without, neededBy }) => {
    if (value !== undefined) expect(schema.safeParse(value).success).toBe(true);
    expect([value, without, neededBy].some((each) => each !== undefined)).toBe(true);
  });
});
