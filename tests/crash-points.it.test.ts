import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ownRedis } from "@dripline/testkit/redis";
import { type SmtpByRecipient, startSmtpByRecipient } from "@dripline/testkit/smtp-by-recipient";
import "@dripline/testkit/provided-services";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { forPolicy } from "./chaos/crash-points/crash-point.ts";
import type { SceneResult } from "./chaos/crash-points/crash-scene.ts";
import { listSample, listScenes, type Scene } from "./chaos/crash-points/list-scenes.ts";
import { openScenePool, type ScenePool } from "./chaos/crash-points/scene-pool.ts";

/** Real workers are killed at every named point of an email's way: docs/crash-points.md. */

const root = fileURLToPath(new URL("..", import.meta.url));

/** The first one waits for its turn and for all that is played before. */
const sceneMilliseconds = 300_000;

const redis = await ownRedis();
let smtp: SmtpByRecipient;
let scenes: ScenePool;
let directory: string;

beforeAll(async () => {
  const postgres = inject("services")?.postgres;
  if (redis === undefined || postgres === undefined) return;
  // The processes run what was compiled, as they do in production.
  await promisify(execFile)(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tests/chaos"], { cwd: root });
  directory = await mkdtemp(join(tmpdir(), "dripline-crash-points-"));
  smtp = await startSmtpByRecipient();
  scenes = openScenePool({ postgres, redisUrl: redis.url, smtp }, directory);
}, 300_000);

afterAll(async () => {
  await scenes?.stop();
  await smtp?.close();
  await redis?.stop();
  if (directory !== undefined) await rm(directory, { recursive: true });
});

const expected = ({ point, policy }: Scene) => ({
  left: forPolicy(point.left, policy),
  becomes: forPolicy(point.becomes, policy),
  broken: [],
});

describe.skipIf(redis === undefined)("what a dead process leaves, and what it comes to, is what the table says", () => {
  const all = listSample().map((scene) => ({ scene, name: scene.name }));
  const results = new Map<Scene, Promise<SceneResult>>();
  beforeAll(() => {
    for (const { scene } of all) {
      const result = scenes.play(scene);
      result.catch(() => {}); // told by its test
      results.set(scene, result);
    }
  });

  test.each(all)(
    "$name",
    async ({ scene }) => {
      expect(await results.get(scene)).toEqual(expected(scene));
    },
    sceneMilliseconds,
  );
});

/** Without a protection, a scene must not come to what the table says. */
const controls = [
  { name: "body left, advance", without: "mark", broken: "step 1: copy 2 without a doubt on record before" },
  { name: "replied: 250, hold", without: "doubt", broken: "step 1: copy 2 without a doubt on record before" },
] as const;

describe.skipIf(redis === undefined)("the table notices when a protection is missing", () => {
  test.each(controls)(
    "$name, without the $without",
    async ({ name, without, broken }) => {
      const scene = listScenes().find((one) => one.name === name);
      if (scene === undefined) throw new Error(`there is no scene "${name}"`);
      const result = await scenes.play({ ...scene, without });
      expect(result).not.toEqual(expected(scene));
      expect(result.broken).toContain(broken);
    },
    sceneMilliseconds,
  );
});
