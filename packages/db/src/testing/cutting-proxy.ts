import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/**
 * What happens to one statement on its way to PostgreSQL:
 * - `refuse`: it never arrives, and the connection is reset;
 * - `swallow`: it is carried out, and the connection is reset in place of the answer;
 * - `hold`: it never arrives, and the connection stays open and silent.
 */
export type Cut = "refuse" | "swallow" | "hold";

/**
 * A way to PostgreSQL that counts statements, over all connections, and does something to one of them. It reads the
 * wire protocol: a statement is a Query ("Q") or whatever ends with a Sync ("S").
 */
export class CuttingProxy {
  readonly #target: { host: string; port: number };
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((client) => this.#forward(client));
  #statements = 0;
  #cut: { readonly at: number; readonly how: Cut; readonly done: () => void } | undefined;

  private constructor(target: { host: string; port: number }) {
    this.#target = target;
  }

  /** Opens a way to the server that `url` names, and returns it with the URL that leads through it. */
  static async to(url: string): Promise<{ proxy: CuttingProxy; url: string }> {
    const through = new URL(url);
    const proxy = new CuttingProxy({ host: through.hostname, port: Number(through.port || 5432) });
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    through.hostname = "127.0.0.1";
    through.port = String((proxy.#server.address() as AddressInfo).port);
    return { proxy, url: through.href };
  }

  /** Cuts the `nth` statement from now on, once. The promise resolves when that has happened. */
  cutStatement(nth: number, how: Cut): Promise<void> {
    return new Promise((done) => {
      this.#statements = 0;
      this.#cut = { at: nth, how, done };
    });
  }

  /** Lets everything through again. */
  leaveAlone(): void {
    this.#cut = undefined;
  }

  /** Resets every connection and takes no more. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.resetAndDestroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #forward(client: Socket): void {
    const server = connect(this.#target);
    let isSwallowing = false;
    let isHeld = false;
    let isStarted = false; // the first message of a connection has no type
    let pending = Buffer.alloc(0);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.setNoDelay(true); // a statement is several small messages, and each would wait 40 ms
      from.on("error", () => undefined);
      from.on("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
    server.on("data", (data) => {
      if (isSwallowing) client.resetAndDestroy();
      else client.write(data);
    });
    client.on("data", (data) => {
      pending = Buffer.concat([pending, data]);
      for (;;) {
        const head = isStarted ? 1 : 0;
        if (isHeld || pending.length < head + 4) return;
        const length = head + pending.readInt32BE(head);
        if (pending.length < length) return;
        const message = pending.subarray(0, length);
        pending = pending.subarray(length);
        const type = isStarted ? String.fromCharCode(message[0] ?? 0) : "";
        isStarted = true;
        const cut = type === "Q" || type === "S" ? this.#count() : undefined;
        if (cut === "refuse") return void client.resetAndDestroy();
        isHeld = cut === "hold";
        isSwallowing = cut === "swallow";
        if (!isHeld) server.write(message);
      }
    });
  }

  #count(): Cut | undefined {
    this.#statements += 1;
    const cut = this.#cut;
    if (cut === undefined || this.#statements !== cut.at) return undefined;
    this.#cut = undefined;
    cut.done();
    return cut.how;
  }
}
