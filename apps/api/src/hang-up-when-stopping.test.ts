import { once } from "node:events";
import { type AddressInfo, connect, type Socket } from "node:net";
import fastify, { type FastifyInstance } from "fastify";
import { expect, test } from "vitest";
import { hangUpWhenStopping } from "./hang-up-when-stopping.ts";

/** A server that answers when it is told to. */
async function start(): Promise<{
  app: FastifyInstance;
  /** Resolves when the server has begun to close. */
  stopping: Promise<void>;
  answer: () => void;
  open: () => Promise<Socket>;
}> {
  const app = fastify();
  hangUpWhenStopping(app);
  const stopping = new Promise<void>((resolve) => app.addHook("preClose", async () => resolve()));
  let answer = () => {};
  app.get("/", () => new Promise((resolve) => (answer = () => resolve("answered"))));
  app.get("/now", async () => "answered");
  await app.listen({ host: "127.0.0.1", port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const open = async () => {
    const socket = connect({ host: "127.0.0.1", port });
    const accepted = once(app.server, "connection");
    await Promise.all([once(socket, "connect"), accepted]);
    return socket;
  };
  return { app, stopping, answer: () => answer(), open };
}

const request = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;

test("a connection that never asked anything does not keep the server from closing", async () => {
  const { app, open } = await start();
  const socket = await open();
  const closed = once(socket, "close");
  await app.close();
  await closed;
});

test("a request under way is answered, and its connection ends with it", async () => {
  const { app, stopping, answer, open } = await start();
  const socket = await open();
  let said = "";
  socket.on("data", (data) => (said += data));
  const arrived = once(app.server, "request");
  socket.write(request("/"));
  await arrived;
  const closing = app.close();
  await stopping;
  answer();
  await Promise.all([closing, once(socket, "close")]);
  expect(said).toMatch(/^HTTP\/1\.1 200/);
  expect(said).toMatch(/connection: close/i);
  expect(said).toContain("answered");
});

test("before that, connections stay open after an answer", async () => {
  const { app, open } = await start();
  const socket = await open();
  socket.write(request("/now"));
  await once(socket, "data");
  socket.write(request("/now"));
  await once(socket, "data");
  expect(socket.destroyed).toBe(false);
  await app.close();
});
