import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { doctor } from "./doctor.ts";

let directory: string;
const said: string[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "dripline-doctor-"));
  said.length = 0;
  vi.spyOn(console, "log").mockImplementation((line: string) => void said.push(line));
});

afterEach(async () => {
  vi.restoreAllMocks();
  await rm(directory, { recursive: true });
});

test("one wrong setting does not hide what is wrong elsewhere", async () => {
  const env = {
    DATABASE_URL: "postgres://nobody@127.0.0.1:1/nothing",
    REDIS_URL: "redis://127.0.0.1:1",
    SMTP_URL: "smtp://127.0.0.1:1",
    DRIPLINE_SECRET: "short",
  };
  expect(await doctor({ env, directory, json: false, now: () => new Date() })).toBe(1);
  const text = said.join("\n");
  expect(text).toContain("DRIPLINE_SECRET is shorter");
  expect(text).toContain("No PostgreSQL answers at 127.0.0.1:1");
  expect(text).toContain("Redis at 127.0.0.1:1 cannot be reached");
  expect(text).toMatch(/✗.*SMTP/);
});
