import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isDockerAnswering } from "./docker.ts";

let directory: string;
let socketPath: string;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "dripline-docker-"));
  socketPath = path.join(directory, "docker.sock");
});

afterEach(() => rm(directory, { recursive: true }));

test("an engine that answers its ping is there", async () => {
  const engine = createServer((request, response) => {
    response.writeHead(request.url === "/_ping" ? 200 : 404).end("OK");
  }).listen(socketPath);
  await once(engine, "listening");

  expect(await isDockerAnswering({ DOCKER_HOST: `unix://${socketPath}` })).toBe(true);
  engine.close();
});

test("a socket where nobody answers is no engine, and that is known within moments", async () => {
  const mute = createTcpServer().listen(socketPath);
  await once(mute, "listening");

  expect(await isDockerAnswering({ DOCKER_HOST: `unix://${socketPath}` })).toBe(false);
  mute.close();
});

test("a socket that does not exist is no engine", async () => {
  expect(await isDockerAnswering({ DOCKER_HOST: `unix://${socketPath}` })).toBe(false);
});
