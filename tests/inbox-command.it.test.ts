import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "@dripline/embedded/free-port";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchProgram } from "./child-process.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "dripline-inbox-command-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const message = `EHLO test\r
MAIL FROM:<hello@example.com>\r
RCPT TO:<ada@example.com>\r
DATA\r
Subject: Welcome\r
\r
Hello\r
.\r
QUIT\r
`;

test("dripline inbox keeps what is sent to it, shows it, says so, and ends in order", async () => {
  const [port, smtpPort] = [await freePort(), await freePort()];
  const args = ["inbox", "--port", String(port), "--smtp-port", String(smtpPort), "--keep-in", directory];
  const inbox = launchProgram("../scripts/role.mjs", {}, args);
  await inbox.says(`smtp://127.0.0.1:${smtpPort}`);

  const socket = connect(smtpPort, "127.0.0.1");
  await once(socket, "data"); // the greeting: before it nothing may be said
  socket.write(message);
  socket.resume();
  await inbox.says("ada@example.com");
  const answer = await fetch(`http://127.0.0.1:${port}/api/messages?to=ada`);
  expect(await answer.json()).toMatchObject({ messages: [{ subject: "Welcome", envelope_to: ["ada@example.com"] }] });
  socket.destroy();

  const second = launchProgram("../scripts/role.mjs", {}, args);
  expect(await second.ended()).toEqual({ code: 1, signal: null });
  expect(second.output()).toContain("choose others with --port and --smtp-port");
  expect(second.output()).not.toMatch(/^\s+at /m);

  expect(await inbox.end("SIGTERM"), inbox.output()).toEqual({ code: 0, signal: null });
});
