import { expect, test } from "vitest";
import { judgeRedisInfo } from "./redis-health.ts";

function info(fields: Record<string, string>): string {
  const all = { redis_version: "7.2.4", maxmemory_policy: "noeviction", aof_enabled: "1", ...fields };
  return ["# Server", ...Object.entries(all).map(([name, value]) => `${name}:${value}`)].join("\r\n");
}

test("a server that can be relied on has no problems and no warnings", () => {
  expect(judgeRedisInfo(info({}))).toEqual({ version: "Redis 7.2.4", problems: [], warnings: [] });
});

test.each([
  [{ redis_version: "7.0.15" }, "Redis 7.0.15", 0],
  [{ redis_version: "6.2.14" }, "Redis 6.2.14", 1],
  [{ redis_version: "10.0.0" }, "Redis 10.0.0", 0],
  [{ redis_version: "7.2.4", valkey_version: "8.1.0" }, "Valkey 8.1.0", 0],
  [{ redis_version: "7.2.4", valkey_version: "7.2.9" }, "Valkey 7.2.9", 1],
])("Redis from 7 and Valkey from 8 will do: %j", (fields, version, problems) => {
  const judged = judgeRedisInfo(info(fields));

  expect(judged.version).toBe(version);
  expect(judged.problems).toHaveLength(problems);
});

test("a server that says nothing useful is not trusted", () => {
  expect(judgeRedisInfo("").problems).toHaveLength(2);
});

test("an eviction policy that drops jobs is a problem, a missing append-only file a warning", () => {
  const judged = judgeRedisInfo(info({ maxmemory_policy: "volatile-lru", aof_enabled: "0" }));

  expect(judged.problems).toEqual([expect.stringMatching(/volatile-lru.*noeviction/)]);
  expect(judged.warnings).toEqual([expect.stringMatching(/appendonly yes/)]);
});
