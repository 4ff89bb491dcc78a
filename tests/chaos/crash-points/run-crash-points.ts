import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { migrateDatabase } from "@dripline/db/migrate";
import { migratePostgresQueue } from "@dripline/queue/migrate-postgres-queue";
import { startTestPostgres } from "@dripline/testkit/postgres-server";
import { redisProgram, startLocalRedis } from "@dripline/testkit/redis-server";
import { startSmtpByRecipient } from "@dripline/testkit/smtp-by-recipient";
import pg from "pg";
import { forPolicy } from "./crash-point.ts";
import { listScenes, type Scene } from "./list-scenes.ts";
import { openScenePool, type ScenePool } from "./scene-pool.ts";

/** The profile `crash-points`: every scene so many times. Answers whether all of them went as the table says. */
export async function runCrashPoints(repetitions: number, say: (line: string) => void): Promise<boolean> {
  const undo: (() => Promise<unknown>)[] = [];
  try {
    const directory = await mkdtemp(join(tmpdir(), "dripline-crash-points-"));
    const postgres = await startTestPostgres(process.env, say);
    undo.push(() => postgres.stop());
    const program = await redisProgram(process.env);
    if (program === undefined) throw new Error("There is no redis-server or valkey-server on PATH: install one.");
    const redis = await startLocalRedis(program);
    undo.push(() => redis.stop());
    const smtp = await startSmtpByRecipient();
    undo.push(() => smtp.close());
    const template = await makeTemplate(postgres.url);
    const services = { postgres: { adminUrl: postgres.url, template }, redisUrl: redis.url, smtp };
    const pool = openScenePool(services, directory);
    undo.push(() => pool.stop());
    const isGood = await playAll(pool, repetitions, say);
    if (isGood) await rm(directory, { recursive: true });
    else say(`What the processes said is in ${directory}`);
    return isGood;
  } finally {
    for (const step of undo.reverse()) await step();
  }
}

async function playAll(pool: ScenePool, repetitions: number, say: (line: string) => void): Promise<boolean> {
  const failures = new Map<string, number>();
  // Round by round: what goes wrong now and then shows up in every row of the table and not in one.
  for (let round = 1; round <= repetitions; round += 1) {
    await Promise.all(
      listScenes().map(async (scene) => {
        const problem = await play(pool, scene);
        if (problem === undefined) return;
        failures.set(scene.name, (failures.get(scene.name) ?? 0) + 1);
        say(`${scene.name}: ${problem}`);
      }),
    );
    say(`round ${round} of ${repetitions}: ${failures.size} scenes have gone wrong so far`);
  }
  say("| scene | played | not as the table says |\n|---|---|---|");
  for (const { name } of listScenes()) say(`| ${name} | ${repetitions} | ${failures.get(name) ?? 0} |`);
  return failures.size === 0;
}

/** undefined: it went as the table says. */
async function play(pool: ScenePool, scene: Scene): Promise<string | undefined> {
  const { point, policy } = scene;
  const expected = { left: forPolicy(point.left, policy), becomes: forPolicy(point.becomes, policy), broken: [] };
  try {
    const result = await pool.play(scene);
    return isDeepStrictEqual(result, expected) ? undefined : JSON.stringify({ result, expected });
  } catch (error) {
    return String(error);
  }
}

async function makeTemplate(adminUrl: string): Promise<string> {
  const template = `crash_points_${randomBytes(4).toString("hex")}`;
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  await client.query(`create database ${template}`);
  await client.end();
  const url = new URL(adminUrl);
  url.pathname = `/${template}`;
  await migrateDatabase(url.href);
  await migratePostgresQueue(url.href);
  return template;
}
