import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { requireNode } from "./require-node.mjs";

requireNode();
const { bootstrap } = await import("./bootstrap.mjs");
const { runInForeground, runScript, ScriptError } = await import("./phase.mjs");
const { root } = await import("./root.mjs");

// Upgrades an installation of an earlier version while it sends: node scripts/upgrade-check.mjs <commit>. Its API and workers
// run, the new version's `migrate` runs under them, they go on, new workers come and the old ones go. Everybody must get each
// email once, and no process may say that the database is not what it knows.

const people = 300;
const later = 60;
const secret = "a secret of at least thirty-two characters";

await runScript(async () => {
  const [before] = process.argv.slice(2);
  if (before === undefined)
    throw new ScriptError("Say from which commit or tag: node scripts/upgrade-check.mjs <commit>");
  await bootstrap();
  const cleanUp = [];
  try {
    const directory = await mkdtemp(join(tmpdir(), "dripline-upgrade-"));
    await chmod(directory, 0o711); // the account that PostgreSQL runs as must be able to enter
    cleanUp.push(() => rm(directory, { recursive: true, force: true }));
    const old = join(directory, "before");
    await must("git", ["worktree", "add", "--detach", old, before]);
    cleanUp.push(() => must("git", ["worktree", "remove", "--force", old]));
    await must(process.execPath, ["--eval", 'import("./scripts/bootstrap.mjs").then((m) => m.bootstrap())'], old);
    await upgrade(old, directory, cleanUp);
    console.log("Everybody got each email once, before, while and after the database was brought to the new version.");
  } finally {
    for (const step of cleanUp.reverse()) await step();
  }
});

async function upgrade(old, directory, cleanUp) {
  const load = (where, path) => import(join(where, `${path}.js`));
  const { startPostgres } = await load(root, "packages/embedded/dist/postgres");
  const { startInbox } = await load(root, "packages/embedded/dist/inbox");
  const { freePort } = await load(root, "packages/embedded/dist/free-port");
  const { openDatabase } = await load(root, "packages/db/dist/database");
  const { migrateDatabase, migratePostgresQueue } = {
    ...(await load(old, "packages/db/dist/migrate")),
    ...(await load(old, "packages/queue/dist/migrate-postgres-queue")),
  };
  const { createApiKey } = await load(old, "packages/db/dist/api-keys");
  const { makeSequence } = await load(old, "packages/testkit/dist/factories");

  const postgres = await startPostgres({ directory: join(directory, "pg"), log: () => {} });
  cleanUp.push(() => postgres.stop());
  const inbox = await startInbox({ directory: join(directory, "inbox"), now: () => new Date() });
  cleanUp.push(() => inbox.close());
  await migrateDatabase(postgres.url);
  await migratePostgresQueue(postgres.url);
  const db = openDatabase({
    url: postgres.url,
    connectionsMax: 2,
    applicationName: "upgrade check",
    onError: () => {},
  });
  cleanUp.push(() => db.end());

  const port = await freePort();
  const env = {
    PATH: process.env.PATH,
    DATABASE_URL: postgres.url,
    SMTP_URL: inbox.smtpUrl,
    MAIL_FROM: "Acme <hello@acme.example>",
    DRIPLINE_SECRET: secret,
    API_PORT: String(port),
    DRIPLINE_DAY_LENGTH: "4s",
    SENDS_PER_SECOND_MAX: "40",
    LOG_LEVEL: "info",
  };
  const sequence = await makeSequence(db, { steps: [{}, { delay: { value: 1, unit: "days" } }] });
  const { key } = await createApiKey(db, { name: "check", now: new Date(), scopes: ["admin"] });
  const enroll = async (email) => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/sequence-enrollments/enroll/`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ sequence_id: sequence.id, contact: { email, first_name: "Ann" } }),
    });
    if (answer.status !== 201) throw new ScriptError(`Enrolling was answered ${answer.status}: ${await answer.text()}`);
  };
  const sent = () => inbox.messages().length;

  const api = await start(old, "api", env, cleanUp);
  const oldWorkers = [await start(old, "worker", env, cleanUp), await start(old, "worker", env, cleanUp)];
  for (let i = 0; i < people; i += 1) await enroll(`p${i}@example.com`);
  await until(() => sent() > people / 4, "a quarter of the first emails");

  const atMigration = sent();
  await must(process.execPath, [join(root, "apps/cli/dist/main.js"), "migrate"], root, env);
  console.log(`The database was brought to the new version after ${atMigration} emails.`);
  for (let i = 0; i < later; i += 1) await enroll(`later${i}@example.com`);
  await until(() => sent() > atMigration + people / 2, "the version before to go on");

  const newWorker = await start(root, "worker", env, cleanUp);
  for (const worker of oldWorkers) await worker.end();
  const open = async () => (await db.query("select from sequence_enrollment where status <> 'completed'")).rowCount;
  await until(async () => (await open()) === 0, "everybody to get everything");

  const copies = new Map();
  for (const { envelopeTo, messageId } of inbox.messages()) {
    copies.set(envelopeTo[0], [...(copies.get(envelopeTo[0]) ?? []), messageId]);
  }
  const wrong = [...copies.values()].filter((ids) => ids.length !== 2 || new Set(ids).size !== 2);
  const { rowCount: unsure } = await db.query("select from step_execution where status <> 'sent'");
  if (copies.size !== people + later || wrong.length > 0 || unsure !== 0) {
    throw new ScriptError(
      `${copies.size} people, ${wrong.length} with too few or too many emails, ${unsure} not sent.`,
    );
  }
  const complaints = [api, ...oldWorkers, newWorker].flatMap(({ output }) =>
    output()
      .split("\n")
      .filter((line) => /"level":"?(50|60|error|fatal)|does not exist|42P01|42703|23502/.test(line)),
  );
  if (complaints.length > 0) throw new ScriptError(`They complained:\n${complaints.join("\n")}`);
}

async function start(where, app, env, cleanUp) {
  const child = spawn(process.execPath, [join(where, `apps/${app}/dist/main.js`)], {
    env,
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let output = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  child.stderr.on("data", (chunk) => (output += chunk));
  const ended = once(child, "close");
  const end = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
    await ended;
  };
  cleanUp.push(end);
  await Promise.race([
    once(child, "message"),
    ended.then(() => {
      throw new ScriptError(`${app} of ${where} ended before it was ready:\n${output}`);
    }),
  ]);
  return { end, output: () => output };
}

async function must(program, args, cwd = root, env = process.env) {
  const code = await runInForeground(program, args, { cwd, env });
  if (code !== 0) throw new ScriptError(`${program} ${args.join(" ")} ended with ${code}.`);
}

async function until(condition, what) {
  const giveUpAt = performance.now() + 120_000;
  while (!(await condition())) {
    if (performance.now() > giveUpAt) throw new ScriptError(`Waited two minutes in vain for ${what}.`);
    await wait(100);
  }
}
