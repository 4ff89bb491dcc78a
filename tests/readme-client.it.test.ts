import { execFile } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createApiKey } from "@dripline/db/api-keys";
import { freePort } from "@dripline/embedded/free-port";
import { freshDatabase } from "@dripline/testkit/database";
import { makeSequence } from "@dripline/testkit/factories";
import { expect, onTestFinished, test } from "vitest";
import { startProcess } from "./child-process.ts";

const database = await freshDatabase();

test("the client's example in the README does what it says, the second time as well", async () => {
  const { key } = await createApiKey(database.pool, { name: "test", now: new Date(), scopes: ["admin"] });
  const sequence = await makeSequence(database.pool, { steps: [{ delay: { value: 1, unit: "days" } }] });
  await database.pool.query("update email_sequence set name = 'Onboarding' where id = $1", [sequence.id]);
  const port = await freePort();
  const api = await startProcess("api", {
    DRIPLINE_SECRET: "a secret of at least thirty-two characters",
    API_PORT: String(port),
    DATABASE_URL: database.url,
  });
  onTestFinished(async () => void (await api.end("SIGKILL")));
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  expect(example).toContain("createClient");
  // Beside this file, for its packages; as it stands but for the port.
  const file = fileURLToPath(new URL(`./readme-client-${process.pid}.mjs`, import.meta.url));
  await writeFile(file, example.replace("4600", String(port)));
  onTestFinished(() => rm(file));
  const run = () => promisify(execFile)(process.execPath, [file], { env: { ...process.env, DRIPLINE_API_KEY: key } });

  const { stdout } = await run();
  const again = await run();

  expect(stdout).toMatch(/^ada@example.com is enrolled: 0\/1 \(0.0%\)\ngrace@example.com is enrolled/);
  expect(stdout).toMatch(/Step 1 for ada@example.com at \d{4}-.*Z\n/);
  expect(again.stdout).toMatch(/^ada@example.com was enrolled before: [0-9a-f-]{36}\n/);
});
