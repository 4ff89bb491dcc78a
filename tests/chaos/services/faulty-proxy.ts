import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

/** A way to a server on which the network can fail. */
export interface FaultyProxy {
  readonly port: number;
  /**
   * Nothing gets through in either direction, connections stay open and new ones are accepted. What was sent meanwhile is
   * lost, so the connections that lived through it are reset when the hole closes.
   */
  blackHole(milliseconds: number): Promise<void>;
  /** Every open connection is reset. Answers how many there were. */
  reset(): number;
  /** Every chunk comes this much later, in both directions. */
  delay(milliseconds: number, forMilliseconds: number): Promise<void>;
  /** Every open connection is cut once so many bytes more have come from the client. Answers how many there were. */
  cutAfter(bytes: number): number;
  close(): Promise<void>;
}

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  /** Bytes from the client until the cut; undefined for none. */
  bytesLeft: number | undefined;
  hasLost: boolean;
}

/** Opens a way to 127.0.0.1:`target` on `port`, or any free one. */
export async function openFaultyProxy(target: number, port = 0): Promise<FaultyProxy> {
  const links = new Set<Link>();
  let isHole = false;
  let delayMilliseconds = 0;

  function open(client: Socket): void {
    const server = connect({ host: "127.0.0.1", port: target });
    const link: Link = { client, server, bytesLeft: undefined, hasLost: false };
    links.add(link);
    forward(link, client, server);
    forward(link, server, client);
  }

  function forward(link: Link, from: Socket, to: Socket): void {
    let last = Promise.resolve();
    const inOrder = (work: () => void) => {
      if (delayMilliseconds > 0) last = last.then(() => wait(delayMilliseconds));
      last = last.then(work);
    };
    from.setNoDelay(true);
    from.on("data", (data: Buffer) =>
      inOrder(() => {
        if (isHole || link.hasLost) link.hasLost = true;
        else pass(link, from, to, data);
      }),
    );
    from.on("error", () => {});
    from.on("end", () => inOrder(() => to.end()));
    from.on("close", () => {
      links.delete(link);
      // A peer behind a black hole does not hear of the end either.
      if (isHole) link.hasLost = true;
      else inOrder(() => to.destroy());
    });
  }

  function pass(link: Link, from: Socket, to: Socket, data: Buffer): void {
    if (from !== link.client || link.bytesLeft === undefined) return void to.write(data);
    const part = data.subarray(0, link.bytesLeft);
    link.bytesLeft -= part.length;
    to.write(part, () => {
      if (link.bytesLeft === 0) resetLink(link);
    });
  }

  function resetLink({ client, server }: Link): void {
    client.resetAndDestroy();
    server.resetAndDestroy();
  }

  const server = createServer({ allowHalfOpen: true }, open);
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server without a port");

  return {
    port: address.port,
    async blackHole(milliseconds) {
      isHole = true;
      const caught = new Set(links);
      const meet = (socket: Socket) => void caught.add([...links].find(({ client }) => client === socket) as Link);
      server.on("connection", meet);
      await wait(milliseconds);
      server.off("connection", meet);
      isHole = false;
      for (const link of caught) resetLink(link);
    },
    reset() {
      const open = [...links];
      for (const link of open) resetLink(link);
      return open.length;
    },
    async delay(milliseconds, forMilliseconds) {
      delayMilliseconds = milliseconds;
      await wait(forMilliseconds);
      delayMilliseconds = 0;
    },
    cutAfter(bytes) {
      for (const link of links) link.bytesLeft = bytes;
      return links.size;
    },
    async close() {
      server.close();
      for (const link of links) resetLink(link);
    },
  };
}
