import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { enrollCommand, type ReadyFacts, readyBlock } from "./ready-block.ts";

const facts: ReadyFacts = {
  apiUrl: "http://127.0.0.1:4600",
  inboxUrl: "http://127.0.0.1:4601/",
  smtp: "smtp://127.0.0.1:4602",
  queuesUrl: "http://127.0.0.1:4600/ops/login?token=t",
  queueBackend: "PostgreSQL",
  databaseUrl: "postgresql://dripline:x@127.0.0.1:4603/dripline",
  dataDirectory: "/srv/dripline/.dripline/pg",
  apiKey: "dk_abcdefgh_0123",
  apiKeyFile: "/srv/dripline/.dripline/api-key",
  sequenceId: "0199a8d6-0000-7000-8000-000000000001",
  dayLength: undefined,
  isFirstStart: true,
  seconds: 3.14,
};

test("the block says where everything is, and how long it took", () => {
  const block = readyBlock(facts);
  for (const text of [
    "http://127.0.0.1:4600/api/v1/",
    "http://127.0.0.1:4600/docs",
    facts.inboxUrl,
    facts.queuesUrl,
    facts.databaseUrl,
    facts.apiKey,
    enrollCommand(facts.apiUrl, facts.apiKey, facts.sequenceId),
    "Ready in 3.1 s",
    "no email leaves it",
  ]) {
    expect(block).toContain(text);
  }
  expect(block).not.toContain("COMPRESSED");
});

test("compressed time and mail that leaves this machine are said loudly", () => {
  expect(readyBlock({ ...facts, dayLength: "5s" })).toContain("COMPRESSED TIME: a day of delay lasts 5s");
  const outside = readyBlock({ ...facts, inboxUrl: undefined, smtp: "smtp://mail.example.com" });
  expect(outside).toContain("EMAIL LEAVES THIS MACHINE");
  expect(outside).not.toContain("no email leaves");
  expect(outside).not.toContain("Inbox");
});

const bodies: { sequence_id: string; contact: { email: string } }[] = [];
const server = createServer((request, response) => {
  void (async () => {
    let body = "";
    for await (const chunk of request) body += chunk;
    bodies.push(JSON.parse(body));
    response.statusCode = request.headers.authorization === `Bearer ${facts.apiKey}` ? 201 : 401;
    response.end(`${response.statusCode}`);
  })();
});
beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(() => void server.close());

function isInstalled(program: string): boolean {
  try {
    execFileSync("sh", ["-c", `command -v ${program}`]);
    return true;
  } catch {
    return false;
  }
}

test.each(["sh", "dash", "bash", "zsh"].filter(isInstalled))(
  "the curl works when pasted into %s, and enrolls somebody new each time",
  async (shell) => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const command = enrollCommand(url, facts.apiKey, facts.sequenceId);
    bodies.length = 0;
    for (let time = 1; time <= 2; time++) {
      // Where the shell has no RANDOM, the address changes with the second.
      const wait = time === 1 || shell === "bash" || shell === "zsh" ? "" : "sleep 1.1; ";
      const { stdout } = await promisify(execFile)(shell, ["-c", `${wait}${command}`]);
      expect(stdout).toBe("201");
    }
    const emails = bodies.map(({ contact }) => contact.email);
    expect(bodies.map((body) => body.sequence_id)).toEqual([facts.sequenceId, facts.sequenceId]);
    expect(emails[0]).toMatch(/^ada-\d+@example\.com$/);
    expect(new Set(emails).size).toBe(2);
  },
);
