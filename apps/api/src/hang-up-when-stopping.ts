import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";

/**
 * Lets `app.close()` end as soon as the requests under way are answered. By itself the server closes only connections that
 * have answered something and are idle at that moment. Two kinds would keep the process from ending, for as long as their
 * client likes: one that was opened ahead and never asked anything (load balancers and HTTP clients do that), and one whose
 * request is under way now and that becomes idle after it.
 */
export function hangUpWhenStopping(app: FastifyInstance): void {
  const silent = new Set<Socket>();
  let isStopping = false;
  app.server.on("connection", (socket) => {
    if (isStopping) return void socket.destroy();
    silent.add(socket);
    socket.once("close", () => silent.delete(socket));
  });
  app.server.on("request", ({ socket }) => silent.delete(socket));
  app.addHook("preClose", async () => {
    isStopping = true;
    for (const socket of silent) socket.destroy();
  });
  app.addHook("onSend", async (_request, reply) => {
    if (isStopping) reply.header("connection", "close");
  });
}
