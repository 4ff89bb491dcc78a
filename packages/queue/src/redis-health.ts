import type { ServerInfo } from "./redis-info.ts";
import type { RedisTarget } from "./redis-url.ts";
import type { QueueHealth } from "./wake-queue.ts";

const redisMajorMin = 7;
const valkeyMajorMin = 8;

type Judgement = Pick<QueueHealth, "version" | "problems" | "warnings">;

/** Judges what all servers answered; where there are several, each sentence names the server that it is about. */
export function judgeRedis(infos: readonly ServerInfo[], kind: RedisTarget["kind"]): Judgement {
  const several = infos.length > 1;
  const judged = infos.map(({ server, info }) => {
    const name = (sentence: string) => (several ? `${server}: ${sentence}` : sentence);
    if (info === undefined) return { problems: [], warnings: [name("This server does not answer.")] };
    const { version, problems, warnings } = judgeRedisInfo(info, kind);
    return { version, problems: problems.map(name), warnings: warnings.map(name) };
  });
  return {
    version: judged[0]?.version,
    problems: judged.flatMap(({ problems }) => problems),
    warnings: judged.flatMap(({ warnings }) => warnings),
  };
}

/** Judges what `INFO` of one Redis or Valkey server answered. */
export function judgeRedisInfo(info: string, kind: RedisTarget["kind"] = "single"): Judgement {
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

  const otherForm = judgeForm(info, kind);
  if (otherForm !== undefined) return { version, problems: [...problems, otherForm], warnings };

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

/** What answers at an address of one server and cannot be used as one. */
function judgeForm(info: string, kind: RedisTarget["kind"]): string | undefined {
  if (kind !== "single") return undefined;
  const mode = field(info, "redis_mode") ?? field(info, "server_mode");
  if (mode === "sentinel") {
    return "This is a Sentinel and no server: write redis+sentinel://…/<name of the master> into REDIS_URL.";
  }
  if (mode === "cluster") {
    return "This is a node of a cluster: write redis+cluster:// into REDIS_URL, with some of its nodes.";
  }
  return field(info, "role") === "slave"
    ? "This is a replica, which takes no jobs: write its master into REDIS_URL, or redis+sentinel:// if there are Sentinels."
    : undefined;
}

function field(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1];
}
