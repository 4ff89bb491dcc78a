import { once } from "node:events";
import net from "node:net";
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, test } from "vitest";
import { createSmtpTransport, type SmtpTimeouts } from "./smtp-transport.ts";
import type { MailTransport, OutgoingMessage } from "./transport.ts";

// A server that does what no library lets one do: hang up, fall silent and lie at a chosen moment.

type Peer = { socket: net.Socket; number: number; say(line: string): void };
type Script = {
  greet?: (peer: Peer) => void;
  /** Called for every command; true when the script has dealt with it. */
  command?: (line: string, peer: Peer) => boolean;
  /** Called for every chunk that follows "354". */
  data?: (chunk: string, peer: Peer) => void;
  /** Called when the final dot has arrived; without it the answer is 250. */
  body?: (peer: Peer) => void;
  pipelining?: boolean;
};
type FakeServer = {
  url: string;
  port: number;
  log: string[];
  bodies: string[];
  sockets: Set<net.Socket>;
  stop(): void;
};

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(script: Script = {}, port = 0): Promise<FakeServer> {
  const log: string[] = [];
  const bodies: string[] = [];
  const sockets = new Set<net.Socket>();
  let connections = 0;
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    const peer: Peer = { socket, number: ++connections, say: (line) => socket.write(`${line}\r\n`) };
    let inData = false;
    let buffer = "";
    socket.on("data", (chunk) => {
      if (inData) script.data?.(chunk.toString("latin1"), peer);
      buffer += chunk.toString("latin1");
      for (;;) {
        if (inData) {
          const end = buffer.startsWith(".\r\n") ? 0 : buffer.indexOf("\r\n.\r\n") + 2;
          if (end === 1) return;
          bodies.push(buffer.slice(0, end));
          buffer = buffer.slice(end + 3);
          inData = false;
          if (script.body === undefined) peer.say("250 2.0.0 queued");
          else script.body(peer);
          continue;
        }
        const end = buffer.indexOf("\r\n");
        if (end < 0) return;
        const line = buffer.slice(0, end);
        buffer = buffer.slice(end + 2);
        log.push(line);
        if (script.command?.(line, peer) === true) continue;
        if (line.startsWith("EHLO")) peer.say(script.pipelining === true ? "250-fake\r\n250 PIPELINING" : "250 fake");
        else if (line === "DATA") {
          inData = true;
          peer.say("354 go ahead");
        } else if (line === "QUIT") peer.say("221 bye");
        else peer.say("250 ok");
      }
    });
    if (script.greet === undefined) peer.say("220 fake ESMTP");
    else script.greet(peer);
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const stop = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  cleanups.push(stop);
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { url: `smtp://127.0.0.1:${address.port}`, port: address.port, log, bodies, sockets, stop };
}

function connect(url: string, timeouts: Partial<SmtpTimeouts> = {}, poolSize = 1): MailTransport {
  const transport = createSmtpTransport({ url, poolSize, timeouts });
  cleanups.push(() => transport.close());
  return transport;
}

const message: OutgoingMessage = {
  envelope: { from: "hello@example.com", to: ["ann@example.org"] },
  messageId: "<x1@example.com>",
  raw: Buffer.from("Subject: hi\r\n\r\nHello\r\n"),
};
const go = async (): Promise<boolean> => true;
const never = async (): Promise<boolean> => {
  throw new Error("the body was asked for");
};

function signal<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

function replyTo(verb: string, reply: string): Script {
  return {
    command(line, peer) {
      if (!line.startsWith(verb)) return false;
      peer.say(reply);
      return true;
    },
  };
}

function hangUpAt(verb: string): Script {
  return {
    command(line, peer) {
      if (!line.startsWith(verb)) return false;
      peer.socket.resetAndDestroy();
      return true;
    },
  };
}

describe("before the body, nothing has left: the delivery may be made again", () => {
  test("nobody listens", async () => {
    const server = await serve();
    server.stop();
    expect(await connect(server.url).deliver(message, never)).toMatchObject({
      kind: "unreachable",
      phase: "connect",
      cause: "network",
      error: expect.stringContaining("ECONNREFUSED"),
    });
  });

  test("the server hangs up instead of greeting", async () => {
    let connections = 0;
    const server = await serve({
      greet(peer) {
        connections = peer.number;
        peer.socket.end();
      },
    });
    expect(await connect(server.url).deliver(message, never)).toEqual({
      kind: "unreachable",
      phase: "connect",
      cause: "network",
      error: "the server closed the connection before its greeting",
    });
    // One attempt: nobody but the caller decides about another.
    expect(connections).toBe(1);
  });

  test("the server never greets", async () => {
    const server = await serve({ greet: () => {} });
    const reply = await connect(server.url, { connectMs: 100 }).deliver(message, never);
    expect(reply).toMatchObject({ kind: "unreachable", phase: "connect", cause: "network" });
  });

  test("a refusal of the connection is not about the message, even as a 5yz", async () => {
    const server = await serve({ greet: (peer) => peer.say("554 5.7.1 your address is listed") });
    expect(await connect(server.url).deliver(message, never)).toEqual({
      kind: "refused",
      permanent: false,
      phase: "connect",
      code: 554,
      enhancedCode: "5.7.1",
      response: "554 5.7.1 your address is listed",
    });
  });

  test.each(["EHLO", "MAIL FROM", "RCPT TO", "DATA"])("the connection is reset at %s", async (verb) => {
    const server = await serve(hangUpAt(verb));
    expect(await connect(server.url).deliver(message, never)).toMatchObject({ kind: "unreachable", cause: "network" });
    expect(server.bodies).toEqual([]);
  });

  test.each(["MAIL FROM", "RCPT TO", "DATA"])("no answer to %s", async (verb) => {
    const server = await serve({ command: (line) => line.startsWith(verb) });
    expect(await connect(server.url, { envelopeMs: 100 }).deliver(message, never)).toEqual({
      kind: "unreachable",
      phase: "envelope",
      cause: "network",
      error: "no answer to MAIL FROM, RCPT TO or DATA within 0.1 s",
    });
  });
});

describe("a refusal in words is a refusal at any stage", () => {
  const cases: [string, string, object][] = [
    [
      "MAIL FROM",
      "452 4.3.1 no room",
      { permanent: false, phase: "envelope", refusesSender: true, code: 452, enhancedCode: "4.3.1" },
    ],
    ["RCPT TO", "550 5.1.1 no such user", { permanent: true, phase: "envelope", code: 550, enhancedCode: "5.1.1" }],
    [
      "RCPT TO",
      "451 4.7.1 greylisted, try later",
      { permanent: false, phase: "envelope", code: 451, enhancedCode: "4.7.1" },
    ],
    ["RCPT TO", "450 busy", { permanent: false, phase: "envelope", code: 450 }],
    ["RCPT TO", "421 4.7.0 slow down", { permanent: false, phase: "envelope", code: 421, enhancedCode: "4.7.0" }],
    ["DATA", "554 5.5.1 no valid recipients", { permanent: true, phase: "data", code: 554, enhancedCode: "5.5.1" }],
    ["DATA", "503 out of order", { permanent: false, phase: "data", code: 503 }],
  ];
  for (const pipelining of [false, true]) {
    test.each(cases)(
      `%s answered with "%s", ${pipelining ? "pipelined" : "one by one"}`,
      async (verb, line, expected) => {
        const server = await serve({ ...replyTo(verb, line), pipelining });
        const reply = await connect(server.url).deliver(message, never);
        expect(reply).toEqual({ kind: "refused", ...expected, response: line });
        expect(server.bodies.join("")).toBe("");
      },
    );
  }

  test.each([
    ["554 5.7.1 spam", { permanent: true, code: 554, enhancedCode: "5.7.1" }],
    ["451 4.7.1 greylisted", { permanent: false, code: 451, enhancedCode: "4.7.1" }],
    ["421 4.3.2 shutting down", { permanent: false, code: 421, enhancedCode: "4.3.2" }],
    ["550-5.7.26 first line\r\n550 5.7.26 second line", { permanent: true, code: 550, enhancedCode: "5.7.26" }],
    ["550 4.1.1 classes that disagree", { permanent: true, code: 550 }],
    ["550 5.1.1.1 not a code", { permanent: true, code: 550 }],
  ])("the end of the data answered with %j", async (line, expected) => {
    const server = await serve({ body: (peer) => peer.say(line) });
    const reply = await connect(server.url).deliver(message, go);
    const response = line.replaceAll("\r\n", " ");
    expect(reply).toEqual({ kind: "refused", phase: "data", ...expected, response });
  });

  test("a refusal whose line was cut off by the hang-up still counts", async () => {
    const server = await serve({ body: (peer) => peer.socket.end("550 5.7.1 no") });
    expect(await connect(server.url).deliver(message, go)).toMatchObject({
      kind: "refused",
      permanent: true,
      code: 550,
    });
  });

  test("a refusal leaves the pooled connection usable", async () => {
    let refusals = 0;
    const server = await serve({
      command(line, peer) {
        if (!line.startsWith("RCPT TO") || ++refusals > 1) return false;
        peer.say("550 5.1.1 no such user");
        return true;
      },
    });
    const transport = connect(server.url);
    expect((await transport.deliver(message, never)).kind).toBe("refused");
    expect((await transport.deliver(message, go)).kind).toBe("accepted");
    expect(server.log.filter((line) => line.startsWith("EHLO"))).toHaveLength(1);
  });

  test("a server's megabyte of control characters becomes one short line", async () => {
    const server = await serve({ body: (peer) => peer.say(`550 \u0007\u001b[31m${"no ".repeat(20_000)}`) });
    const reply = await connect(server.url).deliver(message, go);
    if (reply.kind !== "refused") throw new Error(reply.kind);
    expect(reply.response.length).toBeLessThan(1100);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these must be gone
    expect(reply.response).not.toMatch(/[\u0000-\u001f]/);
  });
});

describe("after the first byte of the body, no answer is a doubt", () => {
  test("the connection is reset after the body", async () => {
    const server = await serve({ body: (peer) => peer.socket.resetAndDestroy() });
    expect((await connect(server.url).deliver(message, go)).kind).toBe("in_doubt");
    expect(server.bodies).toHaveLength(1);
  });

  test("the connection is closed after the body", async () => {
    const server = await serve({ body: (peer) => peer.socket.end() });
    expect((await connect(server.url).deliver(message, go)).kind).toBe("in_doubt");
  });

  test.each([true, false])(
    "the connection is reset in the middle of the body (ready for the wire: %s)",
    async (isReady) => {
      const server = await serve({ data: (_chunk, peer) => peer.socket.resetAndDestroy() });
      const large = { ...message, raw: longBody(8_000_000, isReady) };
      expect((await connect(server.url).deliver(large, go)).kind).toBe("in_doubt");
      expect(server.bodies).toEqual([]);
    },
  );

  test("the server stays silent after the body", async () => {
    const server = await serve({ body: () => {} });
    expect(await connect(server.url, { finalReplyMs: 100 }).deliver(message, go)).toEqual({
      kind: "in_doubt",
      error: "no answer to the end of the message within 0.1 s",
    });
  });

  test("an answer that came while the process stood still is read, although its time is over", async () => {
    // Beside this thread, which stands still: [0] the body has arrived, [1] this thread stands still, [2] never.
    const shared = new Int32Array(new SharedArrayBuffer(12));
    const answering = `
      const { parentPort, workerData: shared } = require("node:worker_threads");
      const server = require("node:net").createServer((socket) => {
        socket.on("error", () => {});
        socket.write("220 beside\\r\\n");
        let body;
        socket.on("data", (chunk) => {
          const text = chunk.toString("latin1");
          if (body === undefined) {
            if (text.startsWith("DATA")) body = "";
            return socket.write(body === undefined ? "250 ok\\r\\n" : "354 go ahead\\r\\n");
          }
          body += text;
          if (!body.endsWith("\\r\\n.\\r\\n")) return;
          Atomics.store(shared, 0, 1);
          Atomics.wait(shared, 1, 0);
          socket.write("250 2.0.0 queued\\r\\n");
        });
      });
      server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port));`;
    const beside = new Worker(answering, { eval: true, workerData: shared });
    cleanups.push(() => beside.terminate());
    const [port] = await once(beside, "message");
    const short = { connectMs: 1_500, envelopeMs: 1_500, finalReplyMs: 300 };
    const delivery = connect(`smtp://127.0.0.1:${port}`, short).deliver(message, go);
    await expect.poll(() => Atomics.load(shared, 0), { interval: 1, timeout: 10_000 }).toBe(1);

    // After this the loop comes to its timers before it reads, as it does in a process that is let go on by SIGCONT.
    await new Promise((resolve) => setImmediate(resolve));
    Atomics.store(shared, 1, 1);
    Atomics.notify(shared, 1);
    Atomics.wait(shared, 2, 0, 2_700); // longer than any of its timers but the last one

    expect(await delivery).toMatchObject({ kind: "accepted", response: "250 2.0.0 queued" });
  });

  test("a server that never ends its answer does not hold the delivery for ever", async () => {
    const server = await serve({
      body(peer) {
        const timer = setInterval(() => peer.say("250-still thinking"), 20);
        peer.socket.on("close", () => clearInterval(timer));
      },
    });
    const reply = await connect(server.url, { finalReplyMs: 150 }).deliver(message, go);
    expect(reply.kind).toBe("in_doubt");
  });

  test.each([true, false])(
    "a server that stops reading does not hold the delivery for ever (ready for the wire: %s)",
    async (isReady) => {
      const server = await serve({ data: (_chunk, peer) => peer.socket.pause() });
      const large = { ...message, raw: longBody(16_000_000, isReady) };
      expect((await connect(server.url, { finalReplyMs: 300 }).deliver(large, go)).kind).toBe("in_doubt");
    },
  );

  test("an answer that is neither yes nor no is a doubt", async () => {
    const server = await serve({ body: (peer) => peer.say("354 what?") });
    expect((await connect(server.url).deliver(message, go)).kind).toBe("in_doubt");
  });
});

/** One that is not ready ends in the middle of a line. */
function longBody(size: number, isReady: boolean): Buffer {
  const line = "0123456789abcdef\r\n";
  return Buffer.alloc(size - (size % line.length) + (isReady ? 0 : 1), line);
}

describe("the caller decides at the last moment", () => {
  for (const pipelining of [false, true]) {
    const how = pipelining ? "pipelined" : "one by one";

    test(`"no" sends no byte of the body and destroys the connection (${how})`, async () => {
      const chunks: string[] = [];
      const server = await serve({ data: (chunk) => chunks.push(chunk), pipelining });
      const transport = connect(server.url);
      expect(await transport.deliver(message, async () => false)).toEqual({ kind: "fenced" });
      await expect.poll(() => server.sockets.size).toBe(0);
      expect(server.log.at(-1)).toBe("DATA");
      expect(chunks).toEqual([]);
      expect((await transport.deliver(message, go)).kind).toBe("accepted");
    });

    test(`a failure to decide is thrown on, and no byte of the body is sent (${how})`, async () => {
      const chunks: string[] = [];
      const server = await serve({ data: (chunk) => chunks.push(chunk), pipelining });
      const failure = new Error("the database is down");
      await expect(connect(server.url).deliver(message, () => Promise.reject(failure))).rejects.toBe(failure);
      await expect.poll(() => server.sockets.size).toBe(0);
      expect(chunks).toEqual([]);
    });
  }

  test("a connection lost while the caller decides is no doubt, and the reply waits for the decision", async () => {
    let hangUp = (): void => {};
    const server = await serve({
      command(line, peer) {
        hangUp = () => peer.socket.resetAndDestroy();
        return line === "";
      },
    });
    const asked = signal<void>();
    const decision = signal<boolean>();
    let replied = false;
    const delivery = connect(server.url).deliver(message, () => {
      asked.resolve();
      return decision.promise;
    });
    void delivery.then(() => {
      replied = true;
    });
    await asked.promise;
    hangUp();
    await expect.poll(() => server.sockets.size).toBe(0);
    expect(replied).toBe(false);
    decision.resolve(true);
    expect(await delivery).toMatchObject({ kind: "unreachable", phase: "data", cause: "network" });
    expect(server.bodies).toEqual([]);
  });

  test("a connection lost while the caller decides against it is still a fence", async () => {
    const server = await serve();
    const reply = await connect(server.url).deliver(message, async () => {
      for (const socket of server.sockets) socket.resetAndDestroy();
      await expect.poll(() => server.sockets.size).toBe(0);
      return false;
    });
    expect(reply).toEqual({ kind: "fenced" });
  });

  test("a 250 that comes before the body is not taken for an acceptance, and the body stays here", async () => {
    const chunks: string[] = [];
    const server = await serve({ data: (chunk) => chunks.push(chunk) });
    const transport = connect(server.url, { envelopeMs: 100 });
    const reply = await transport.deliver(message, async () => {
      for (const socket of server.sockets) socket.write("250 2.0.0 queued already\r\n");
      // The only connection is free again once nodemailer has believed it; the server still waits for the body there.
      expect(await transport.deliver(message, never)).toMatchObject({ kind: "unreachable", phase: "envelope" });
      return true;
    });
    expect(reply).toMatchObject({ kind: "unreachable", phase: "data" });
    expect(chunks.join("")).not.toContain("Hello");
  });

  test("a 421 while the caller decides is the server's refusal", async () => {
    const server = await serve();
    const reply = await connect(server.url).deliver(message, async () => {
      for (const socket of server.sockets) socket.end("421 4.4.2 too slow\r\n");
      await expect.poll(() => server.sockets.size).toBe(0);
      return true;
    });
    expect(reply).toMatchObject({ kind: "refused", permanent: false, code: 421, phase: "data" });
    expect(server.bodies).toEqual([]);
  });
});

describe("a pooled connection", () => {
  test("that died while idle makes the next delivery unreachable, not doubtful, and the one after works", async () => {
    const first = await serve();
    const transport = connect(first.url);
    expect((await transport.deliver(message, go)).kind).toBe("accepted");
    // A server that vanished without a word: the death shows only when the next command is written.
    const restarted = { asked: 0 };
    for (const socket of first.sockets) {
      socket.removeAllListeners("data");
      socket.on("data", () => {
        restarted.asked++;
        socket.resetAndDestroy();
      });
    }
    expect(await transport.deliver(message, never)).toMatchObject({ kind: "unreachable", phase: "envelope" });
    expect(restarted.asked).toBe(1);
    expect((await transport.deliver(message, go)).kind).toBe("accepted");
    expect(first.bodies).toHaveLength(2);
  });

  test("of a server that restarted in between is replaced", async () => {
    const first = await serve();
    const transport = connect(first.url);
    expect((await transport.deliver(message, go)).kind).toBe("accepted");
    first.stop();
    const second = await serve({}, first.port);
    const replies = [await transport.deliver(message, go), await transport.deliver(message, go)];
    expect(replies.map((reply) => reply.kind)).not.toContain("in_doubt");
    expect(replies[1]?.kind).toBe("accepted");
    expect(second.bodies).toHaveLength(replies.filter((reply) => reply.kind === "accepted").length);
  });

  test("that the server ends with a 421 hands over the server's words", async () => {
    let messages = 0;
    const server = await serve({
      command(line, peer) {
        if (!line.startsWith("MAIL FROM") || ++messages === 1) return false;
        peer.socket.end("421 4.7.0 too many messages\r\n");
        return true;
      },
    });
    const transport = connect(server.url);
    expect((await transport.deliver(message, go)).kind).toBe("accepted");
    expect(await transport.deliver(message, never)).toMatchObject({
      kind: "refused",
      permanent: false,
      code: 421,
      response: "421 4.7.0 too many messages",
    });
  });

  test("is closed after as many messages as it may carry", async () => {
    const server = await serve();
    const transport = createSmtpTransport({ url: server.url, poolSize: 1, messagesPerConnectionMax: 2 });
    cleanups.push(() => transport.close());
    for (let count = 0; count < 5; count++) expect((await transport.deliver(message, go)).kind).toBe("accepted");
    expect(server.log.filter((line) => line.startsWith("EHLO"))).toHaveLength(3);
  });
});

describe("closing", () => {
  test("lets a delivery under way end and turns the ones that wait away", async () => {
    const answer = signal<Peer>();
    const server = await serve({ body: (peer) => answer.resolve(peer) });
    const transport = connect(server.url);
    const underWay = transport.deliver(message, go);
    const peer = await answer.promise;
    const waiting = transport.deliver(message, never);
    const closed = transport.close();
    expect(await waiting).toMatchObject({ kind: "unreachable", phase: "connect" });
    peer.say("250 2.0.0 queued");
    expect((await underWay).kind).toBe("accepted");
    await closed;
    await expect.poll(() => server.sockets.size).toBe(0);
    expect(await transport.deliver(message, never)).toMatchObject({ kind: "unreachable" });
  });
});

describe("calling off", () => {
  test("ends what waits for an answer before the body and what waits for a connection; the body goes on", async () => {
    const inBody = signal<Peer>();
    const atRecipient = signal<void>();
    let recipients = 0;
    const server = await serve({
      command(line) {
        if (!line.startsWith("RCPT TO") || ++recipients === 1) return false;
        atRecipient.resolve(); // and no answer
        return true;
      },
      body: (peer) => inBody.resolve(peer),
    });
    const transport = connect(server.url, {}, 2);
    const underWay = transport.deliver(message, go);
    const peer = await inBody.promise;
    const before = transport.deliver(message, never);
    await atRecipient.promise;
    const waiting = transport.deliver(message, never);

    transport.callOff();

    expect(await before).toEqual({ kind: "called_off" });
    expect(await waiting).toEqual({ kind: "called_off" });
    expect(await transport.deliver(message, never)).toEqual({ kind: "called_off" });
    peer.say("250 2.0.0 queued");
    expect((await underWay).kind).toBe("accepted");
    expect(server.bodies).toHaveLength(1);
  });

  test("while the mark before the body is being made lets no byte of it leave, although the mark succeeds", async () => {
    const server = await serve();
    const transport = connect(server.url);
    const asked = signal<void>();
    const mark = signal<boolean>();
    const delivery = transport.deliver(message, () => {
      asked.resolve();
      return mark.promise;
    });
    await asked.promise;

    transport.callOff();
    mark.resolve(true);

    expect(await delivery).toEqual({ kind: "called_off" });
    await expect.poll(() => server.sockets.size).toBe(0);
    expect(server.bodies).toHaveLength(0);
  });
});
