import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { freePort, isPortFree } from "@dripline/embedded/free-port";
import { nodeFlags } from "@dripline/runtime/node-flags";
import { waitFor } from "@dripline/testkit/wait-for";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/** `npm start` as people use it: its own processes, real signals, the printed `curl` pasted into a shell. */
describe("dripline up", () => {
  let directory: string;
  let port: number;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "dripline-up-"));
    port = await fourFreePorts();
  });

  afterAll(() => rm(directory, { recursive: true, force: true }));

  function start(...args: string[]) {
    const script = fileURLToPath(new URL("../scripts/start.mjs", import.meta.url));
    const child = spawn(process.execPath, [script, "--dir", directory, "--port", String(port), ...args], {
      env: { PATH: process.env.PATH ?? "", HOME: directory },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk));
    const ended = once(child, "close").then(([code]) => code as number | null);
    const says = (text: string) =>
      waitFor(() => output.includes(text), { timeoutMilliseconds: 60_000, describe: `"${text}" in:\n${output}` });
    return { child, ended, says, output: () => output };
  }

  test("starts, delivers what the printed curl enrolls, refuses a second start, stops in order and continues", async () => {
    const first = start();
    await first.says("Ready in");
    const services = (await processesOf(directory)).filter((command) => /apps\/(api|worker)\/dist/.test(command));
    expect(services).toHaveLength(2);
    for (const command of services) expect(command).toContain(` ${nodeFlags.join(" ")} `);
    const curl = /curl -X POST[\s\S]*?first_name":"Ada"\}\}'/.exec(first.output())?.[0] ?? "";
    const { stdout } = await promisify(execFile)("sh", ["-c", curl]);
    const { id, contact_email } = JSON.parse(stdout) as { id: string; contact_email: string };
    await first.says(contact_email);
    await first.says("demo@example.com");

    const second = start();
    expect(await second.ended).toBe(1);
    expect(second.output()).toContain("already running");
    expect(second.output()).not.toMatch(/^\s+at /m);

    first.child.kill("SIGINT");
    expect(await first.ended).toBe(0);
    expect(await processesOf(directory)).toEqual([]);

    const again = start();
    await again.says("Ready in");
    const key = (await readFile(join(directory, "api-key"), "utf8")).trim();
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/sequence-enrollments/${id}/`, {
      headers: { authorization: `Bearer ${key}` },
    });
    expect(await answer.json()).toMatchObject({ id, status: "active", progress: "1/3 (33.3%)" });

    // A supervisor that is killed cannot stop anything: its children notice, and the next start finds what is left.
    again.child.kill("SIGKILL");
    await again.ended;
    const last = start();
    await last.says("Ready in");
    last.child.kill("SIGTERM");
    expect(await last.ended).toBe(0);
    expect(await processesOf(directory)).toEqual([]);
  }, 180_000);

  test("refuses compressed time with a mail server elsewhere, in one sentence", async () => {
    const script = fileURLToPath(new URL("../scripts/start.mjs", import.meta.url));
    const refused = promisify(execFile)(process.execPath, [script, "--dir", directory, "--day", "5s"], {
      env: { PATH: process.env.PATH ?? "", HOME: directory, SMTP_URL: "smtp://mail.example.com:587" },
    });
    await expect(refused).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining("is refused") });
  });
});

/** Processes whose command line or environment names the directory. */
async function processesOf(directory: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name))) {
    const [command, environment] = await Promise.all([
      readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""),
      readFile(`/proc/${pid}/environ`, "utf8").catch(() => ""),
    ]);
    if (command.includes(directory) || environment.includes(directory)) found.push(command.replaceAll("\0", " "));
  }
  return found;
}

/** The API takes this port, inbox page, SMTP and PostgreSQL the three after it. */
async function fourFreePorts(): Promise<number> {
  for (;;) {
    const port = await freePort();
    const free = await Promise.all([port + 1, port + 2, port + 3].map(isPortFree));
    if (port < 65_000 && free.every(Boolean)) return port;
  }
}
