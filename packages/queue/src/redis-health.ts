import type { QueueHealth } from "./wake-queue.ts";

const redisMajorMin = 7;
const valkeyMajorMin = 8;

/** Judges what `INFO` of a Redis or Valkey server answered. */
export function judgeRedisInfo(info: string): Pick<QueueHealth, "version" | "problems" | "warnings"> {
  const problems: string[] = [];
  const warnings: string[] = [];

  // Valkey goes on saying "redis_version:7.2.4" for old clients, and its own version beside it.
  const valkey = field(info, "valkey_version");
  const redis = field(info, "redis_version");
  const version = valkey !== undefined ? `Valkey ${valkey}` : `Redis ${redis ?? "of unknown version"}`;
  const majorMin = valkey !== undefined ? valkeyMajorMin : redisMajorMin;
  if (!(Number.parseInt(valkey ?? redis ?? "", 10) >= majorMin)) {
    problems.push(`${version} is too old: install Redis ${redisMajorMin} or Valkey ${valkeyMajorMin}, or later.`);
  }

  const policy = field(info, "maxmemory_policy");
  if (policy !== "noeviction") {
    problems.push(
      `maxmemory-policy is ${policy ?? "unknown"}, so ${version} may drop jobs when its memory is full: ` +
        "set it to noeviction (redis.conf, or CONFIG SET maxmemory-policy noeviction).",
    );
  }
  if (field(info, "aof_enabled") === "0") {
    warnings.push(
      "The append-only file is off, so a restart of the server empties the queue until the sweeps have filled it " +
        "again: set appendonly yes.",
    );
  }
  return { version, problems, warnings };
}

function field(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1];
}
