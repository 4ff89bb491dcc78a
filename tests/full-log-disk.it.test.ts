import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, openSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { insertExecution } from "@dripline/db/testing/executions";
import { freePort } from "@dripline/embedded/free-port";
import { startInbox } from "@dripline/embedded/inbox";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { waitFor } from "@dripline/testkit/wait-for";
import { expect, onTestFinished, test } from "vitest";

/** One of the real processes, whose standard output refuses every line as a full disk does. */
async function startSpeechless(app: "api" | "worker", env: Record<string, string>) {
  const main = fileURLToPath(new URL(`../apps/${app}/dist/main.js`, import.meta.url));
  const full = openSync("/dev/full", "w");
  const child = spawn(process.execPath, [main], {
    env: { PATH: process.env.PATH ?? "", ...env },
    stdio: ["ignore", full, "ignore", "ipc"],
  });
  const ended = once(child, "exit");
  onTestFinished(async () => {
    child.kill("SIGTERM");
    await ended;
  });
  await Promise.race([once(child, "message"), ended]);
  expect(child.exitCode, "it runs").toBeNull();
  return child;
}

test.skipIf(!existsSync("/dev/full"))(
  "API and worker go on while the disk with their logs is full, and stop in order",
  async () => {
    const directory = await mkdtemp(join(tmpdir(), "dripline-full-log-"));
    const inbox = await startInbox({ directory, now: () => new Date() });
    onTestFinished(async () => {
      await inbox.close();
      await rm(directory, { recursive: true });
    });
    const database = await freshDatabase();
    const port = await freePort();
    const env = {
      DATABASE_URL: database.url,
      SMTP_URL: inbox.smtpUrl,
      MAIL_FROM: "Acme <hello@acme.example>",
      DRIPLINE_SECRET: "a secret of at least thirty-two characters",
      API_PORT: String(port),
    };
    const [api, worker] = await Promise.all([startSpeechless("api", env), startSpeechless("worker", env)]);
    const sequence = await makeSequence(database.pool, { steps: [{}] });
    const contact = await makeContact(database.pool);
    await insertExecution(database.pool, sequence, contact.id);

    await waitFor(() => inbox.messages().length === 1, { timeoutMilliseconds: 30_000, describe: "the email" });
    for (let asked = 0; asked < 3; asked += 1) {
      const { status } = await fetch(`http://127.0.0.1:${port}/api/v1/contacts/`);
      expect(status).toBe(401);
    }
    for (const child of [api, worker]) {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      expect(await ended).toEqual([0, null]);
    }
  },
  60_000,
);
