import { randomUUID } from "node:crypto";
import { makeCertificates } from "@dripline/testkit/certificates";
import { describeRedis, ownRedis } from "@dripline/testkit/redis";
import { command, ownCluster, ownSentinels, ownTlsRedis } from "@dripline/testkit/redis-forms";
import { afterAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { openRedisWakeQueue } from "./redis-wake-queue.ts";
import { consumeInto } from "./testing/consume-into.ts";
import { newWake, wakeQueueConformance } from "./wake-queue.conformance.ts";
import type { WakeQueue } from "./wake-queue.ts";

/** Every form of REDIS_URL, each with servers of its own. */
const now = () => new Date();
const password = "hunter2 with /special:characters@";
const encoded = encodeURIComponent(password);

function open(url: string, prefix = `{test-${randomUUID()}}`): WakeQueue {
  return openRedisWakeQueue({ url, now, role: "worker", prefix });
}

/** One wake is queued, runs, and everything is well. */
async function expectToWork(url: string, prefix?: string): Promise<void> {
  const queue = open(url, prefix);
  const seen: string[] = [];
  const consumer = consumeInto(seen, queue);
  await consumer.whenReady();
  const wake = newWake(50);
  await queue.wake([wake]);
  await vi.waitFor(() => expect(seen).toEqual([wake.executionId]), { timeout: 10_000 });
  expect(await queue.check()).toMatchObject({ isReachable: true, problems: [] });
}

/** It says why and what to do, that waiting does not help, and not the password. */
async function expectProblem(url: string, ...sentences: string[]): Promise<void> {
  const queue = open(url);
  onTestFinished(() => queue.close());
  const health = await vi.waitFor(
    async () => {
      const each = await queue.check();
      for (const sentence of sentences) expect(each.problems.join("\n")).toContain(sentence);
      return each;
    },
    { timeout: 10_000 },
  );
  expect(health.isReachable).toBe(true);
  expect(JSON.stringify(health)).not.toContain("hunter2");
  expect(String(await queue.wake([newWake(60_000)]).catch((error: Error) => error))).not.toContain("hunter2");
}

describeRedis("a Redis of any kind", async () => {
  describe("with a password", async () => {
    const redis = await ownRedis(["--requirepass", password]);
    afterAll(() => redis?.stop());
    const at = (login: string) => `redis://${login}127.0.0.1:${redis?.port}`;

    test("works with it", () => expectToWork(at(`:${encoded}@`)));
    test("is named without one", () => expectProblem(at(""), "refuses the log-in (NOAUTH)", "REDIS_URL"));
    test("is named with a wrong one", () =>
      expectProblem(at(":hunter2@"), "refuses the log-in (WRONGPASS)", "correct user and password in REDIS_URL"));
  });

  describe("with a user who may do little", async () => {
    const redis = await ownRedis([
      ...["--user", "app", "on", `>${password}`, "~{dripline}:*", "&*", "+@all", "-@dangerous", "+info"],
      ...["--user", "nobody", "on", `>${password}`, "~other:*", "+@connection", "+info"],
    ]);
    afterAll(() => redis?.stop());

    test("works when keys and commands are those in docs/configuration.md", () =>
      expectToWork(`redis://app:${encoded}@127.0.0.1:${redis?.port}/1`, "{dripline}"));
    test("is named when it is less", () =>
      expectProblem(`redis://nobody:${encoded}@127.0.0.1:${redis?.port}`, "allows this user too little (NOPERM)"));
  });

  describe("with TLS", async () => {
    const files = await makeCertificates();
    const redis = await ownTlsRedis(files, ["--requirepass", password]);
    const tlsPort = redis?.tlsPort;
    afterAll(async () => {
      await redis?.stop();
      await files?.remove();
    });
    const at = `rediss://:${encoded}@127.0.0.1:${tlsPort}`;

    test("works with the authority that signed its certificate", () => expectToWork(`${at}?ca_file=${files?.ca}`));
    test("works unverified if that is what is wanted", () => expectToWork(`${at}?tls_verify=false`));
    test("is named when its certificate is not trusted", () =>
      expectProblem(at, "a certificate that is not trusted (", "?ca_file=/path/to/ca.pem"));
    test("is named when the name in its certificate is another", () =>
      expectProblem(
        `rediss://:${encoded}@localhost:${tlsPort}?family=4&ca_file=${files?.ca}`,
        "ERR_TLS_CERT_ALTNAME_INVALID",
      ));
    test("is waited for when nothing speaks TLS there, as it cannot be told from a server that is down", async () => {
      const queue = open(`rediss://127.0.0.1:${redis?.port}`);
      onTestFinished(() => queue.close());
      const problems = [expect.stringContaining("is it running, does it speak TLS there, ")];
      expect(await queue.check()).toMatchObject({ isReachable: false, problems });
    });

    describe("and a certificate wanted from us, as Redis does unless told otherwise", async () => {
      const asking = await ownTlsRedis(files, ["--tls-auth-clients", "yes"]);
      afterAll(() => asking?.stop());
      const address = `rediss://127.0.0.1:${asking?.tlsPort}?ca_file=${files?.ca}`;

      test("works with one", () => expectToWork(`${address}&cert_file=${files?.cert}&key_file=${files?.key}`));
      test("says without one that it may be that", async () => {
        const queue = open(address);
        onTestFinished(() => queue.close());
        const problems = [expect.stringContaining("does it want a certificate (cert_file, or tls-auth-clients no)")];
        expect(await queue.check()).toMatchObject({ isReachable: false, problems });
      });
    });
  });

  describe("in a cluster", async () => {
    const cluster = await ownCluster();
    const url = cluster?.url ?? "";
    afterAll(() => cluster?.stop());

    wakeQueueConformance("a WakeQueue on a Redis Cluster", async () => open(url));

    test("is asked as a whole: one node that may evict is named", async () => {
      const [, , node] = cluster?.nodes ?? [];
      await command(node?.port ?? 0, "config", "set", "maxmemory-policy", "allkeys-lru");
      onTestFinished(
        async () => void (await command(node?.port ?? 0, "config", "set", "maxmemory-policy", "noeviction")),
      );
      await expectProblem(url, `127.0.0.1:${node?.port}: maxmemory-policy is allkeys-lru`, "set it to noeviction");
    });

    test("is known by any one of its nodes, and keeps one installation on one of them", async () => {
      const [, second] = cluster?.nodes ?? [];
      await expectToWork(`redis+cluster://127.0.0.1:${second?.port}`, "{dripline}");
      const sizes = await Promise.all((cluster?.nodes ?? []).map(({ port }) => keysAt(port, "{dripline}:*")));
      expect(sizes.filter((size) => size > 0)).toHaveLength(1);
    });

    test("is told from a single server, either way", async () => {
      await expectProblem(
        `redis://127.0.0.1:${cluster?.nodes[0]?.port}`,
        "a node of a cluster",
        "write redis+cluster://",
      );
      const single = await ownRedis();
      onTestFinished(async () => single?.stop());
      await expectProblem(`redis+cluster://127.0.0.1:${single?.port}`, "is no cluster", "write redis://");
    });
  });

  describe("with Sentinels", async () => {
    const sentinels = await ownSentinels();
    const url = sentinels?.url ?? "";
    afterAll(() => sentinels?.stop());

    test("a replica that may evict is named: it may be the master tomorrow", async () => {
      const port = sentinels?.replica.port ?? 0;
      await command(port, "config", "set", "maxmemory-policy", "volatile-ttl");
      onTestFinished(async () => void (await command(port, "config", "set", "maxmemory-policy", "noeviction")));
      await expectProblem(url, `127.0.0.1:${port}: maxmemory-policy is volatile-ttl`);
    });

    test("a master that they do not know, a Sentinel taken for a server and a replica taken for a master are named", async () => {
      await expectProblem(url.replace("mymaster", "another"), "know no master of that name");
      const sentinel = /:(\d+)/.exec(url.slice("redis+sentinel://".length))?.[1];
      await expectProblem(`redis://127.0.0.1:${sentinel}`, "This is a Sentinel", "write redis+sentinel://");
      await expectProblem(`redis://127.0.0.1:${sentinels?.replica.port}`, "This is a replica");
    });

    test("a consumer and a producer go on with the replica after the master was killed; what it had is not lost", async () => {
      const queue = open(url, "{failover}");
      const seen: string[] = [];
      await consumeInto(seen, queue).whenReady();
      const waiting = newWake(8_000);
      await queue.wake([waiting]);
      await vi.waitFor(async () => expect(await keysAt(sentinels?.replica.port ?? 0, "{failover}:*:delayed")).toBe(1));

      await sentinels?.master.signal("SIGKILL");

      const after = newWake(0);
      await vi.waitFor(() => queue.wake([after]), { timeout: 20_000 });
      await vi.waitFor(() => expect(seen.toSorted()).toEqual([waiting.executionId, after.executionId].toSorted()), {
        timeout: 20_000,
      });
    });
  });
});

async function keysAt(port: number, pattern: string): Promise<number> {
  return ((await command(port, "keys", pattern)) as unknown[]).length;
}
