import { fileURLToPath } from "node:url";
import { freePort } from "@dripline/embedded/free-port";
import { freshDatabase } from "@dripline/testkit/database";
import { expect, test } from "vitest";
import { launchProcess } from "./child-process.ts";

const preload = fileURLToPath(new URL("told-v8-flags.cjs", import.meta.url));
const database = await freshDatabase();

// What it is for shows only at full load: docs/performance.md.
test.each(["api", "worker"] as const)("the %s lets its heap grow no further than it was measured with", async (app) => {
  const env = {
    DATABASE_URL: database.url,
    SMTP_URL: "smtp://127.0.0.1:25",
    MAIL_FROM: "Acme <hello@acme.example>",
    DRIPLINE_SECRET: "a secret of at least thirty-two characters",
    API_PORT: String(await freePort()),
  };
  const process = launchProcess(app, env, ["--require", preload]);
  await process.says('"ready"');
  expect(await process.end("SIGTERM"), process.output()).toEqual({ code: 0, signal: null });
  expect(process.output().match(/^V8 is told .*$/gm)).toEqual(["V8 is told --heap-growing-percent=60"]);
});
