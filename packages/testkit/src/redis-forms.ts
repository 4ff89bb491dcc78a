import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { freePort } from "@dripline/embedded/free-port";
import { Redis } from "ioredis";
import type { Certificates } from "./certificates.ts";
import { type LocalRedis, redisProgram, startLocalRedis, startRedisProgram } from "./redis-server.ts";
import { waitFor } from "./wait-for.ts";

const formingMilliseconds = 20_000;

/** A server that speaks TLS at `tlsPort` and plainly at its other one. As `ownRedis`; `undefined` also without certificates. */
export async function ownTlsRedis(
  certificates: Certificates | undefined,
  options: readonly string[] = [],
): Promise<(LocalRedis & { tlsPort: number }) | undefined> {
  const program = await redisProgram(process.env);
  if (program === undefined || certificates === undefined) return undefined;
  const { ca, cert, key } = certificates;
  const tlsPort = await freePort();
  const files = ["--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", ca];
  const tls = ["--tls-port", String(tlsPort), "--tls-auth-clients", "no", ...files];
  return { ...(await startLocalRedis(program, [...tls, ...options])), tlsPort };
}

export type OwnSentinels = { url: string; master: LocalRedis; replica: LocalRedis; stop(): Promise<void> };

/**
 * A master and its replica, watched by three Sentinels that replace a master which is silent for a second. `options` are
 * those of both servers. `undefined` when no `redis-server` or `valkey-server` is on PATH.
 */
export async function ownSentinels(options: readonly string[] = []): Promise<OwnSentinels | undefined> {
  const program = await redisProgram(process.env);
  if (program === undefined) return undefined;
  const master = await startLocalRedis(program, options);
  const replica = await startLocalRedis(program, [...options, "--replicaof", `127.0.0.1 ${master.port}`]);
  await waitForLine(replica.port, ["info", "replication"], "master_link_status:up");
  // The last one takes longer to miss the master, so that it votes for one of the others: three that stand for election at once
  // get a vote each, and try again only after twice the failover-timeout.
  const sentinels = await Promise.all(
    [1_000, 1_000, 4_000].map((downAfter) => startSentinel(program, master.port, downAfter)),
  );
  for (const { port } of sentinels) {
    await waitForLine(port, ["info", "sentinel"], "slaves=1,sentinels=3");
  }
  const addresses = sentinels.map(({ port }) => `127.0.0.1:${port}`).join(",");
  return {
    url: `redis+sentinel://${addresses}/mymaster`,
    master,
    replica,
    stop: () => stopAll([...sentinels, replica, master]),
  };
}

async function startSentinel(program: string, masterPort: number, downAfterMilliseconds: number): Promise<LocalRedis> {
  const port = await freePort();
  const directory = await mkdtemp(path.join(tmpdir(), "dripline-test-sentinel-"));
  const file = path.join(directory, "sentinel.conf"); // it writes into it what it finds out
  await writeFile(
    file,
    [
      `port ${port}`,
      "bind 127.0.0.1",
      `dir ${directory}`,
      `sentinel monitor mymaster 127.0.0.1 ${masterPort} 2`,
      `sentinel down-after-milliseconds mymaster ${downAfterMilliseconds}`,
      "sentinel failover-timeout mymaster 3000",
    ].join("\n"),
  );
  return startRedisProgram({ program, args: [file, "--sentinel"], port, directory });
}

export type OwnCluster = { url: string; nodes: readonly LocalRedis[]; stop(): Promise<void> };

/** A cluster of three masters. `undefined` when no `redis-server` or `valkey-server` is on PATH. */
export async function ownCluster(): Promise<OwnCluster | undefined> {
  const program = await redisProgram(process.env);
  if (program === undefined) return undefined;
  const nodes: LocalRedis[] = [];
  const busPorts: number[] = [];
  for (let i = 0; i < 3; i += 1) {
    const busPort = await freePort();
    busPorts.push(busPort);
    nodes.push(
      await startLocalRedis(program, [
        ...["--cluster-enabled", "yes", "--cluster-port", String(busPort), "--cluster-node-timeout", "2000"],
        ...["--databases", "1"],
      ]),
    );
  }
  const slots = 16_384;
  for (const [i, { port }] of nodes.entries()) {
    const [first, next] = [Math.round((i * slots) / 3), Math.round(((i + 1) * slots) / 3)];
    await command(port, "cluster", "addslotsrange", String(first), String(next - 1));
    await command(port, "cluster", "set-config-epoch", String(i + 1));
    const [known, knownBus] = [nodes[0]?.port, busPorts[0]];
    if (i > 0) await command(port, "cluster", "meet", "127.0.0.1", String(known), String(knownBus));
  }
  for (const { port } of nodes) {
    await waitForLine(port, ["cluster", "info"], "cluster_state:ok");
    await waitForLine(port, ["cluster", "info"], "cluster_known_nodes:3");
  }
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`).join(",");
  return { url: `redis+cluster://${addresses}`, nodes, stop: () => stopAll(nodes) };
}

/** Gives one server one command. */
export async function command(port: number, name: string, ...args: string[]): Promise<unknown> {
  const client = new Redis(port, "127.0.0.1");
  try {
    return await client.call(name, ...args);
  } finally {
    client.disconnect();
  }
}

async function waitForLine(port: number, [name, ...args]: [string, ...string[]], line: string): Promise<void> {
  await waitFor(async () => String(await command(port, name, ...args)).includes(line), {
    timeoutMilliseconds: formingMilliseconds,
    describe: `${line} at port ${port}`,
  });
}

async function stopAll(servers: readonly LocalRedis[]): Promise<void> {
  for (const server of servers) await server.stop();
}
