import { readdir } from "node:fs/promises";
import { inTransaction, openDatabase } from "@dripline/db/database";
import { freshDatabase } from "@dripline/testkit/database";
import { waitFor } from "@dripline/testkit/wait-for";
import { afterAll, expect, test } from "vitest";
import { makeSweepDeps } from "../testing/sweep-deps.ts";
import { makeTimetable, sweepOnce } from "./start-sweeps.ts";
import type { Sweep } from "./sweep.ts";

const { url } = await freshDatabase();
const db = openDatabase({ url, connectionsMax: 4, applicationName: "test", onError: () => {} });
afterAll(() => db.end());
const { deps, errors, queue } = makeSweepDeps(db, { now: () => new Date() });
const finds = (name: string, rows: number): Sweep => ({ name, runOnce: async () => rows });

test("a sweep that fails is reported by its name and keeps none of the others from running", async () => {
  const broken: Sweep = { name: "broken", runOnce: () => Promise.reject(new Error("no")) };

  const found = await sweepOnce(deps, { which: [finds("first", 1), broken, finds("last", 2)] });

  expect(found).toEqual({ first: 1, last: 2 });
  expect(errors).toMatchObject([{ sweep: "broken" }]);
});

test("while one worker sweeps, another leaves it to that one", async () => {
  let second: unknown = "not asked";
  const meanwhile: Sweep = {
    name: "meanwhile",
    async runOnce() {
      second = await sweepOnce(deps, { which: [finds("never", 1)] });
      return 0;
    },
  };

  expect(await sweepOnce(deps, { which: [meanwhile] })).toEqual({ meanwhile: 0 });
  expect(second).toBeUndefined();
  expect(await sweepOnce(deps, { which: [finds("again", 1)] })).toEqual({ again: 1 });
});

test("a worker that dies while it sweeps leaves no lock behind", async () => {
  const lost = inTransaction(db, async (tx) => {
    await tx.query("select pg_advisory_xact_lock($1)", [0x73776565]);
    await tx.query("select pg_terminate_backend(pg_backend_pid())");
  });
  await expect(lost).rejects.toThrow();
  expect(await sweepOnce(deps, { which: [finds("next", 1)] })).toEqual({ next: 1 });
});

test("a worker that stands still while it sweeps loses the lock, and another goes on", async () => {
  let thaw = () => {};
  const frozen: Sweep = { name: "frozen", runOnce: () => new Promise((resolve) => (thaw = () => resolve(0))) };
  const standing = sweepOnce(deps, { which: [frozen], lockIdleSeconds: 1 });
  const found = await waitFor(() => sweepOnce(deps, { which: [finds("next", 1)] }), {
    timeoutMilliseconds: 10_000,
    describe: "the lock to be free",
  });
  expect(found).toEqual({ next: 1 });
  thaw();
  await expect(standing).rejects.toThrow();
});

test("with the queue down, what needs no queue runs all the same", async () => {
  queue.isDown = true;
  const found = await sweepOnce(deps);
  queue.isDown = false;
  expect(Object.keys(found ?? {})).toEqual(
    expect.arrayContaining(["rescue-leases", "resume-paused", "repair-enrollments", "prune-quotas"]),
  );
  expect(found).not.toHaveProperty("wake-unwoken");
});

test("every sweep that there is runs", async () => {
  const files = (await readdir(import.meta.dirname)).filter((file) => /^[a-z-]+\.ts$/.test(file));
  const modules = await Promise.all(files.map((file) => import(`./${file}`) as Promise<Record<string, unknown>>));
  const names = modules.flatMap((exported) => Object.values(exported).filter(isSweep)).map(({ name }) => name);

  expect(names.length).toBeGreaterThan(7);
  expect(Object.keys((await sweepOnce(deps)) ?? {}).toSorted()).toEqual(names.toSorted());
});

function isSweep(exported: unknown): exported is Sweep {
  return typeof exported === "object" && exported !== null && "runOnce" in exported;
}

test("a sweep with a pace of its own runs at the first round and then when its time has passed", () => {
  let now = 0;
  const isDue = makeTimetable(() => new Date(now));
  const [always, everyMinute] = [finds("always", 0), { ...finds("paced", 0), everySeconds: 60 }];
  const rounds: boolean[][] = [];
  for (now of [0, 5_000, 59_000, 60_000, 65_000]) rounds.push([isDue(always), isDue(everyMinute)]);
  expect(rounds).toEqual([
    [true, true],
    [true, false],
    [true, false],
    [true, true],
    [true, false],
  ]);
});
