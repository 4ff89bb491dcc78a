import { Cluster, Redis } from "ioredis";
import { explainRedisError } from "./explain-redis-error.ts";
import { type RedisClient, redisOptions } from "./redis-connection.ts";
import type { RedisServer, RedisTarget } from "./redis-url.ts";

/** What one server answered to INFO; or that it did not answer, which is no reason to do without the others. */
export type ServerInfo = { server: string; info: string | undefined };

const answerMilliseconds = 1_500;

/**
 * Asks every server that jobs are on, or would be after a failover: the single one, the master and its replicas, all
 * nodes of the cluster. The first is one that answered.
 *
 * @throws RedisUnusableError when none answers
 */
export async function readRedisInfo(client: RedisClient, target: RedisTarget): Promise<ServerInfo[]> {
  const infos = client instanceof Cluster ? await askNodes(client) : await askMaster(client, target);
  const answered = infos.filter(({ info }) => info !== undefined);
  if (answered.length === 0) throw explainRedisError(undefined, target);
  return [...answered, ...infos.filter(({ info }) => info === undefined)];
}

function askNodes(cluster: Cluster): Promise<ServerInfo[]> {
  return Promise.all(cluster.nodes().map((node) => ask(node, `${node.options.host}:${node.options.port}`)));
}

async function askMaster(client: Redis, target: RedisTarget): Promise<ServerInfo[]> {
  const info = await client.info();
  const replicas = target.kind === "sentinel" ? replicasIn(info) : [];
  const others = replicas.map((server) => askOther(server, target));
  return [{ server: `${client.stream?.remoteAddress ?? "master"}`, info }, ...(await Promise.all(others))];
}

async function askOther(server: RedisServer, target: RedisTarget): Promise<ServerInfo> {
  const { sentinel: _, ...rest } = target;
  const options = redisOptions(
    { ...rest, kind: "single", servers: [server] },
    { connectionName: "dripline-check", hurry: { retriesMax: 0, answerMilliseconds } },
  );
  const client = new Redis({ ...options, enableOfflineQueue: true, retryStrategy: null });
  client.on("error", () => undefined);
  try {
    return await ask(client, `${server.host}:${server.port}`);
  } finally {
    client.disconnect();
  }
}

async function ask(client: Redis, server: string): Promise<ServerInfo> {
  try {
    return { server, info: await client.info() };
  } catch {
    return { server, info: undefined };
  }
}

/** `slave0:ip=10.0.0.2,port=6379,state=online,…`; only those that are connected are listed. */
function replicasIn(info: string): RedisServer[] {
  return [...info.matchAll(/^slave\d+:ip=([^,]+),port=(\d+)/gm)].map(([, host = "", port]) => ({
    host,
    port: Number(port),
  }));
}
