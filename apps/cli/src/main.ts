#!/usr/bin/env node
import { resolve } from "node:path";
import { type Scope, scopes } from "@dripline/contract/operation";
import { Command, InvalidArgumentError, Option } from "commander";
import { explainFailure } from "./explain-failure.ts";
import { defaultDirectory, installationAt } from "./installation.ts";
import { defaultPort } from "./ports.ts";

// Each command loads what it needs when it runs: `up` must be quick, and none should wait for another's libraries.
const now = () => new Date();
const { env } = process;

interface DirectoryOption {
  readonly dir: string;
}

const program = new Command("dripline")
  .description("Durable email sequences: start it, look at it, keep it well.")
  .option("--dir <directory>", "where `up` keeps its data", toDirectory, defaultDirectory)
  .showHelpAfterError("(dripline --help shows all commands)");

const directory = () => program.opts<DirectoryOption>().dir;

program
  .command("up")
  .description("run everything on this machine: PostgreSQL, inbox, API and worker (what npm start does)")
  .option("--day <length>", "compress time: a day of delay lasts this long, e.g. 5s (local mail server only)")
  .option("--port <number>", "first of the four ports in a row that are used (default: 4600)")
  .option("--dir <directory>", "where data is kept", toDirectory)
  .option("--check", "prove that it works, in a temporary directory, and exit")
  .action(async (options: { day?: string; port?: string; dir?: string; check?: true }) => {
    if (options.check) {
      const { upCheck } = await import("./commands/up-check.ts");
      return upCheck({ day: options.day, env, now });
    }
    const { up } = await import("./commands/up.ts");
    return up({ directory: options.dir ?? directory(), day: options.day, port: options.port, env, now });
  });

program
  .command("all")
  .description("run the API and one worker in the foreground, on services of your own: for a small host")
  .action(async () => {
    const { all } = await import("./commands/all.ts");
    await all(env);
  });

program
  .command("inbox")
  .description(
    "run a mail server that keeps everything and delivers nothing, with a page to read it: for trying things",
  )
  .option("--host <address>", "where to listen", "127.0.0.1")
  .option("--port <number>", "of the page", toPort, defaultPort + 1)
  .option("--smtp-port <number>", "of the mail server", toPort, defaultPort + 2)
  .option("--keep-in <directory>", "where messages are kept (default: with the data of `up`)", toDirectory)
  .option("--answer-after <milliseconds>", "answer each message only then, as a slow mail server does", toCount, 0)
  .action(async (options: { host: string; port: number; smtpPort: number; keepIn?: string; answerAfter: number }) => {
    const { inbox } = await import("./commands/inbox.ts");
    const { keepIn = installationAt(directory()).inbox, answerAfter: answerMilliseconds, ...rest } = options;
    await inbox({ ...rest, keepIn, answerMilliseconds, now, say: (line) => console.log(line) });
  });

program
  .command("migrate")
  .description("bring the database to this version; safe at any time")
  .action(async () => {
    const { migrate } = await import("./commands/migrate.ts");
    await migrate(env, directory());
  });

program
  .command("create-api-key")
  .description("make a key for the HTTP API and show it, once: only its hash is stored")
  .option("--name <name>", "what it is for", "command line")
  .addOption(
    new Option("--scope <scopes...>", "what it may do; write includes read and enroll, admin includes everything")
      .choices(scopes)
      .default(["admin"]),
  )
  .option("--user <who>", "on whose behalf it acts: the id or the address of a user")
  .option("--expires-in-days <number>", "from when on it does not work any more (default: never)", toCount)
  .option("--requests-per-minute <number>", "a limit of its own (default: the installation's)", toRequests)
  .action(
    async (options: {
      name: string;
      scope: Scope[];
      user?: string;
      expiresInDays?: number;
      requestsPerMinute?: number;
    }) => {
      const { createKey } = await import("./commands/create-api-key.ts");
      await createKey(env, directory(), { ...options, scopes: options.scope, now: now() });
    },
  );

program
  .command("revoke-api-key")
  .description("make a key useless, for good: the next request with it is refused")
  .argument("<prefix>", "the part of the key that may be shown, such as dk_abcdefgh; the whole key will do")
  .action(async (prefix: string) => {
    const { revokeKey } = await import("./commands/revoke-api-key.ts");
    await revokeKey(env, directory(), { prefix, now: now() });
  });

program
  .command("due")
  .description("what is due, per status")
  .option("--dry-run", "list the pending work as well; nothing is sent", false)
  .option("--limit <number>", "list at most so many", toCount, 50)
  .option("--json", "for scripts", false)
  .action(async (options: { dryRun: boolean; limit: number; json: boolean }) => {
    const { due } = await import("./commands/due.ts");
    await due(env, directory(), options);
  });

program
  .command("explain")
  .description("why an email goes out when it does, or does not: every gate it has to pass, and the next try")
  .argument("<id>", "of an execution or an enrollment, or the address of a contact")
  .option("--json", "for scripts", false)
  .action(async (which: string, { json }: { json: boolean }) => {
    const { explain } = await import("./commands/explain.ts");
    await explain(env, directory(), { which, json });
  });

program
  .command("import")
  .description("take a file of contacts in, and enroll them if you like; rows that fail are written beside it")
  .argument("<file>", "CSV with commas, semicolons or tabs", toDirectory)
  .option("--map <field=column...>", "which column is what: email=E-Mail attributes.plan=3 (default: the usual names)")
  .option("--on-match <what>", "of contacts that are there already: update, keep or skip", "keep")
  .option("--on-new <what>", "of addresses that nobody has yet: create or skip", "create")
  .option("--enroll-in <sequence>", "its id or exact name")
  .option("--no-header", "the first row is a contact")
  .option("--delimiter <which>", "comma, semicolon, tab or bar (default: what the first row has most often)", "auto")
  .option("--encoding <which>", "utf-8, utf-16le, utf-16be or windows-1252 (default: what the file looks like)", "auto")
  .option("--dry-run", "count and list what would fail; nothing is written", false)
  .action(
    async (
      file: string,
      options: {
        map?: string[];
        onMatch: string;
        onNew: string;
        enrollIn?: string;
        header: boolean;
        dryRun: boolean;
        delimiter: string;
        encoding: string;
      },
    ) => {
      const { importFile } = await import("./commands/import.ts");
      const { map = [], enrollIn, header: hasHeader, dryRun: isDryRun, ...rest } = options;
      const print = (line: string) => console.log(line);
      const given = { ...rest, file, map, enrollIn, hasHeader, isDryRun, now, print };
      process.exitCode = await importFile(env, directory(), given);
    },
  );

program
  .command("plan")
  .description("every future send of a sequence with its date, for contacts or a list; nothing is sent")
  .argument("<sequence>", "its id or exact name")
  .option("--contact <email...>", "for whom; a known contact's own time zone counts")
  .option("--csv <file>", "a list with a column email and perhaps timezone and company_timezone", toDirectory)
  .option("--draft", "the steps that are being edited and not published yet", false)
  .option("--now <moment>", "plan as if it were then, e.g. 2026-11-23T09:00:00Z")
  .option("--json", "for scripts: one object per person and line", false)
  .action(
    async (
      sequence: string,
      options: { contact?: string[]; csv?: string; draft: boolean; now?: string; json: boolean },
    ) => {
      const { plan } = await import("./commands/plan.ts");
      const { contact: contacts = [], csv, now: at, ...rest } = options;
      const output = { print: (line: string) => console.log(line), complain: (line: string) => console.error(line) };
      await plan(env, directory(), { sequence, contacts, csv, now: at, ...rest, clock: now, ...output });
    },
  );

program
  .command("retry")
  .description("let held or failed executions be tried again, after what kept them back was put right")
  .argument("[ids...]", "executions, as due --dry-run --json shows them")
  .option("--held", "all that are held", false)
  .option("--failed", "all that failed", false)
  .action(async (ids: string[], options: { held: boolean; failed: boolean }) => {
    const { retry } = await import("./commands/retry.ts");
    await retry(env, directory(), { ids, ...options, now });
  });

program
  .command("rebuild-queue")
  .description("give everything that waits its job in the queue again: after a flush, or a move to another queue")
  .option("--json", "for scripts", false)
  .action(async ({ json }: { json: boolean }) => {
    const { rebuildQueueNow } = await import("./commands/rebuild-queue.ts");
    await rebuildQueueNow(env, directory(), { json, now });
  });

program
  .command("adopt")
  .description("let email leave from a database that is a copy or was restored: it sends nothing until then")
  .option("--yes", "do not ask", false)
  .option("--hold-due [moment]", "hold what was due by then (default: now), as it may have been sent since the backup")
  .option("--revoke", "the opposite: send nothing from here until it is adopted again", false)
  .action(async (options: { yes: boolean; holdDue?: string | true; revoke: boolean }) => {
    const [{ adopt }, { askOnTerminal }] = await Promise.all([import("./commands/adopt.ts"), import("./ask-first.ts")]);
    const { yes: isSure, holdDue, revoke } = options;
    const ask = process.stdin.isTTY && process.stdout.isTTY ? askOnTerminal : undefined;
    await adopt(env, directory(), { isSure, ask, holdDue, revoke, print: (line) => console.log(line) });
  });

program
  .command("resume-delivery")
  .description("let emails leave as usual again, after what a mail server had refused was put right; doctor lists it")
  .argument("[scope]", "transport, or domain:example.com (default: transport)")
  .option("--all", "everything that is slowed down", false)
  .action(async (scope: string | undefined, { all }: { all: boolean }) => {
    const { resumeDelivery } = await import("./commands/resume-delivery.ts");
    await resumeDelivery(env, directory(), { scope, all, now, print: (line) => console.log(line) });
  });

program
  .command("prune")
  .description("delete the history of what has ended: executions, events and emails in the log, audit entries, imports")
  .requiredOption("--older-than <days>", "what was over so long ago, e.g. 180d")
  .option("--dry-run", "only say how much that is", false)
  .option("--yes", "do not ask", false)
  .option("--json", "for scripts", false)
  .action(async (options: { olderThan: string; dryRun: boolean; yes: boolean; json: boolean }) => {
    const [{ pruneHistory }, { askOnTerminal }] = await Promise.all([
      import("./commands/prune.ts"),
      import("./ask-first.ts"),
    ]);
    const { olderThan, dryRun: isDryRun, yes: isSure, json } = options;
    const ask = process.stdin.isTTY && process.stdout.isTTY ? askOnTerminal : undefined;
    await pruneHistory(env, directory(), {
      olderThan,
      isDryRun,
      json,
      isSure,
      ask,
      print: (line) => console.log(line),
    });
  });

program
  .command("in-doubt")
  .description("what was handed over without a recorded answer, and may have arrived or not; how often that happened")
  .option("--limit <number>", "list at most so many", toCount, 50)
  .option("--json", "for scripts", false)
  .action(async (options: { limit: number; json: boolean }) => {
    const { inDoubt } = await import("./commands/in-doubt.ts");
    await inDoubt(env, directory(), options);
  });

program
  .command("settle")
  .description("say of emails in doubt that they arrived, or let the same message be sent again")
  .argument("[ids...]", "executions, as in-doubt shows them")
  .option("--sent", "they arrived: an enrollment that waited goes on", false)
  .option("--resend", "they did not, or a second copy does no harm", false)
  .option("--all", "all that are in doubt now", false)
  .option("--note <text>", "how it was found out, for the record", "")
  .action(async (ids: string[], options: { sent: boolean; resend: boolean; all: boolean; note: string }) => {
    const { settle } = await import("./commands/settle.ts");
    await settle(env, directory(), { ids, ...options, now });
  });

program
  .command("doctor")
  .description("look at each thing Dripline needs, and say what to do about what is wrong")
  .option("--json", "for scripts", false)
  .action(async ({ json }: { json: boolean }) => {
    const { doctor } = await import("./commands/doctor.ts");
    process.exitCode = await doctor({ env, directory: directory(), json, now });
  });

program
  .command("ops-link")
  .description("print a link that opens Bull Board")
  .action(async () => {
    const { printOpsLink } = await import("./commands/ops-link.ts");
    printOpsLink(env, directory(), now());
  });

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${explainFailure(error)}\n`);
  if (env.DRIPLINE_DEBUG !== undefined) console.error(error);
  process.exitCode = 1;
}

/** Relative to where the person stood when typing: npm changes into the package and tells in INIT_CWD. */
function toDirectory(path: string): string {
  return resolve(env.INIT_CWD ?? process.cwd(), path);
}

function toCount(text: string): number {
  return toWholeNumber(text, 10_000);
}

function toPort(text: string): number {
  return toWholeNumber(text, 65_535);
}

function toRequests(text: string): number {
  return toWholeNumber(text, 1_000_000);
}

function toWholeNumber(text: string, max: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= max) return number;
  throw new InvalidArgumentError(`Write a whole number from 1 to ${max}.`);
}
