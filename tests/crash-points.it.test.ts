import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ownRedis } from "@dripline/testkit/redis";
import { type SmtpByRecipient, startSmtpByRecipient } from "@dripline/testkit/smtp-by-recipient";
import "@dripline/testkit/provided-services";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { atMost } from "./chaos/crash-points/at-most.ts";
import { forPolicy } from "./chaos/crash-points/crash-point.ts";
import { crashPoints } from "./chaos/crash-points/crash-points.ts";
import { playScene, type SceneOptions, type SceneResult } from "./chaos/crash-points/crash-scene.ts";
import type { CrashServices } from "./chaos/crash-points/crash-services.ts";
import { type HealthyHost, startHealthyHost } from "./chaos/crash-points/healthy-host.ts";
import { listScenes } from "./chaos/crash-points/list-scenes.ts";

/** Real workers are killed at every named point of an email's way: docs/crash-points.md. */

const root = fileURLToPath(new URL("..", import.meta.url));
/** Each waits most of the time; a process that starts takes a second of a core. */
const scenesMax = 14;

const redis = await ownRedis();
let services: CrashServices;
let smtp: SmtpByRecipient;
let host: HealthyHost;
let directory: string;
const inTurn = atMost(scenesMax);

beforeAll(async () => {
  const postgres = inject("services")?.postgres;
  if (redis === undefined || postgres === undefined) return;
  // The processes run what was compiled, as they do in production.
  await promisify(execFile)(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tests/chaos"], { cwd: root });
  directory = await mkdtemp(join(tmpdir(), "dripline-crash-points-"));
  smtp = await startSmtpByRecipient();
  services = { postgres, redisUrl: redis.url, smtp };
  host = await startHealthyHost(join(directory, "healthy.log"));
}, 120_000);

afterAll(async () => {
  await host?.stop();
  await smtp?.close();
  await redis?.stop();
  if (directory !== undefined && !process.env.KEEP) await rm(directory, { recursive: true });
});

let scenes = 0;
function play(scene: Omit<SceneOptions, "logPath">): Promise<SceneResult> {
  scenes += 1;
  const logPath = join(directory, `scene-${scenes}.log`);
  return inTurn(() => playScene(services, host, { ...scene, logPath }));
}

describe.skipIf(redis === undefined)("a process that dies leaves exactly what the table says, and it comes to what the table says", () => {
  const results = new Map<string, Promise<SceneResult>>();
  beforeAll(() => {
    for (const scene of listScenes().filter((s) => !process.env.ONLY || s.name.match(process.env.ONLY))) {
      const result = play(scene);
      result.catch(() => {}); // told by its test
      results.set(scene.name, result);
    }
  });

  test.each(listScenes().filter((s) => !process.env.ONLY || s.name.match(process.env.ONLY)))("$name", async ({ name, point, policy }) => {
    const result = await results.get(name);
    expect(result).toEqual({ left: forPolicy(point.left, policy), then: forPolicy(point.then, policy), broken: [] });
  }, 180_000);
});
