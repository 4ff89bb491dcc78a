import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/**
 * A way to a server that can be cut: what a process sees of a server that is down, hangs, or restarts, without
 * touching a server that other tests use at the same time.
 */
export class OutageProxy {
  #target = { host: "", port: 0 };
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #isHanging = false;
  #port = 0;

  private constructor() {}

  /** Opens a way to the server that `url` names, and returns it with the URL that leads through it. */
  static async to(url: string, defaultPort: number): Promise<{ proxy: OutageProxy; url: string }> {
    const proxy = new OutageProxy();
    proxy.leadTo(url, defaultPort);
    await proxy.goUp();
    const through = new URL(url);
    through.hostname = "127.0.0.1";
    through.port = String(proxy.#port);
    return { proxy, url: through.href };
  }

  /** From now on new connections go to the server that `url` names: one that was put in the place of the first. */
  leadTo(url: string, defaultPort: number): void {
    const { hostname, port } = new URL(url);
    this.#target = { host: hostname, port: Number(port || defaultPort) };
  }

  /** Connections are accepted and forwarded. */
  async goUp(): Promise<void> {
    this.#isHanging = false;
    this.#server = createServer((socket) => this.#forward(socket));
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("The proxy has no port");
    this.#port = address.port;
  }

  /** Every connection is reset, and new ones are refused. */
  async goDown(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    for (const socket of this.#sockets) socket.resetAndDestroy();
    if (server === undefined) return;
    const closed = once(server, "close");
    server.close();
    await closed;
  }

  /** Connections stay and are accepted, and nothing comes through any more: a server that is stopped, a cable that is cut. */
  hang(): void {
    this.#isHanging = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** Everything that was held back comes through. */
  goOn(): void {
    this.#isHanging = false;
    for (const socket of this.#sockets) socket.resume();
  }

  #forward(socket: Socket): void {
    const upstream = connect(this.#target);
    for (const [from, to] of [
      [socket, upstream],
      [upstream, socket],
    ] as const) {
      this.#sockets.add(from);
      from.on("data", (data) => to.write(data));
      from.on("error", () => undefined);
      from.on("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      if (this.#isHanging) from.pause();
    }
  }
}
