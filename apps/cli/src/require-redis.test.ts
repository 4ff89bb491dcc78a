import { once } from "node:events";
import { createServer } from "node:net";
import { freePort } from "@dripline/embedded/free-port";
import { expect, test } from "vitest";
import { requireRedis } from "./require-redis.ts";

test("a Redis address where nothing listens is told at once, without the password", async () => {
  const failed = requireRedis(`redis://:hunter2@127.0.0.1:${await freePort()}`);
  await expect(failed).rejects.toThrow(/^No Redis answers at 127\.0\.0\.1:\d+\. Start it, correct REDIS_URL/);
  await expect(failed).rejects.not.toThrow(/hunter2/);
});

test("one where something listens is fine", async () => {
  const server = createServer((socket) => void socket.on("error", () => {}));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address() as { port: number };
  await requireRedis(`redis://127.0.0.1:${address.port}`);
  server.close();
});
