import { once } from "node:events";
import net from "node:net";
import PostalMime from "postal-mime";
import { SMTPServer } from "smtp-server";
import { afterEach, describe, expect, test } from "vitest";
import { composeMessage } from "./compose.ts";
import { createSmtpTransport } from "./smtp-transport.ts";
import type { MailTransport, OutgoingMessage } from "./transport.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Received = { from: string; to: string[]; raw: string };
type Inbox = { port: number; received: Received[] };

/** A real SMTP server on a free port of this machine that keeps what it gets. */
async function startInbox(options: ConstructorParameters<typeof SMTPServer>[0] = {}): Promise<Inbox> {
  const received: Received[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const from = session.envelope.mailFrom === false ? "" : session.envelope.mailFrom.address;
        const to = session.envelope.rcptTo.map((recipient) => recipient.address);
        received.push({ from, to, raw: Buffer.concat(chunks).toString() });
        done(null, `kept ${to.join()}`);
      });
    },
    ...options,
  });
  server.on("error", () => {});
  const listener = server.listen(0, "127.0.0.1");
  await once(listener, "listening");
  cleanups.push(() => new Promise<void>((resolve) => server.close(resolve)));
  return { port: portOf(listener), received };
}

function open(url: string, poolSize = 1): MailTransport {
  const transport = createSmtpTransport({ url, poolSize });
  cleanups.push(() => transport.close());
  return transport;
}

function compose(number = 1): Promise<OutgoingMessage> {
  return composeMessage({
    messageId: `<x${number}@example.com>`,
    date: new Date("2026-01-02T03:04:05Z"),
    from: { name: "Acme", address: "hello@example.com" },
    to: { name: "", address: `p${number}@example.org` },
    subject: `Message ${number}`,
    text: `Hello ${number}\n.\n..two dots\n`,
    html: `<p>Hello ${number}</p>`,
    unsubscribeUrl: "https://example.com/u/t",
  });
}

const go = async (): Promise<boolean> => true;

test("an accepted message arrives as it was composed, and the reply carries the server's words", async () => {
  const inbox = await startInbox();
  const message = await compose();
  const reply = await open(`smtp://127.0.0.1:${inbox.port}`).deliver(message, go);
  expect(reply).toEqual({ kind: "accepted", code: 250, response: "250 kept p1@example.org" });
  expect(inbox.received).toHaveLength(1);
  expect(inbox.received[0]).toMatchObject({ from: "hello@example.com", to: ["p1@example.org"] });
  expect(inbox.received[0]?.raw.trimEnd()).toBe(message.raw.toString().trimEnd());
  expect((await PostalMime.parse(inbox.received[0]?.raw ?? "")).text?.trim()).toBe("Hello 1\n.\n..two dots");
});

test.each([
  ["that nobody needs to change arrives byte by byte", "Hello\r\na.b\r\n", "Hello\r\na.b\r\n"],
  ["of any size as well", "0123456789abcdef\r\n".repeat(200_000), "0123456789abcdef\r\n".repeat(200_000)],
  ["keeps its dots", ".a\r\n..b\r\n.\r\nc\r\n", ".a\r\n..b\r\n.\r\nc\r\n"],
  [
    "with bare line ends gets whole ones, so that none of it ends the message",
    "a\n.\r\nb\r.\rc",
    "a\r\n.\r\nb\r\n.\r\nc\r\n",
  ],
])("a message %s", async (_, text, arrived) => {
  const inbox = await startInbox();
  const transport = open(`smtp://127.0.0.1:${inbox.port}`);
  const head = "Subject: x\r\n\r\n";
  for (const number of [1, 2]) {
    const message = { ...(await compose(number)), raw: Buffer.from(`${head}${text}`) };
    expect(await transport.deliver(message, go)).toMatchObject({ kind: "accepted" });
  }
  expect(inbox.received.map(({ raw }) => raw)).toEqual([`${head}${arrived}`, `${head}${arrived}`]);
});

test("the caller is asked after the 354 and before the first byte of the body, on new and on pooled connections", async () => {
  const inbox = await startInbox();
  const events: string[] = [];
  const tap = await startTap(inbox.port, events);
  const transport = open(`smtp://127.0.0.1:${tap}`);
  for (const number of [1, 2]) {
    events.length = 0;
    const reply = await transport.deliver(await compose(number), async () => {
      events.push("asked");
      // Everything that could leave early has had its chance: the next round of the event loop, and one more over TCP.
      await new Promise((resolve) => setImmediate(resolve));
      await roundTrip(tap);
      events.push("answered");
      return true;
    });
    events.push(reply.kind);
    const order = events.filter((event) => !event.startsWith("other"));
    expect(order).toEqual(["354", "asked", "answered", "body", "250 kept", "accepted"]);
  }
});

test("each of many deliveries over few connections gets its own reply", async () => {
  const inbox = await startInbox({
    onRcptTo(address, _session, done) {
      const number = Number(/\d+/.exec(address.address)?.[0]);
      if (number % 3 === 1) return done(Object.assign(new Error(`5.1.1 no p${number}`), { responseCode: 550 }));
      return done();
    },
  });
  const transport = open(`smtp://127.0.0.1:${inbox.port}`, 4);
  const numbers = Array.from({ length: 40 }, (_, index) => index);
  const replies = await Promise.all(
    numbers.map(async (number) => transport.deliver(await compose(number), async () => number % 3 !== 2)),
  );
  for (const number of numbers) {
    const expected = [
      { kind: "accepted", response: `250 kept p${number}@example.org` },
      {
        kind: "refused",
        permanent: true,
        phase: "envelope",
        enhancedCode: "5.1.1",
        response: `550 5.1.1 no p${number}`,
      },
      { kind: "fenced" },
    ][number % 3];
    expect(replies[number], `message ${number}`).toMatchObject(expected ?? {});
  }
  expect(inbox.received.map(({ to }) => to[0]).sort()).toEqual(
    numbers
      .filter((number) => number % 3 === 0)
      .map((number) => `p${number}@example.org`)
      .sort(),
  );
});

describe("credentials", () => {
  const guarded: ConstructorParameters<typeof SMTPServer>[0] = {
    authOptional: false,
    allowInsecureAuth: true,
    onAuth(auth, _session, done) {
      if (auth.username === "an@n" && auth.password === "p:w/#") return done(null, { user: "ann" });
      return done(Object.assign(new Error("5.7.8 wrong password"), { responseCode: 535 }));
    },
  };

  test("that are right deliver", async () => {
    const inbox = await startInbox(guarded);
    const transport = open(`smtp://an%40n:p%3Aw%2F%23@127.0.0.1:${inbox.port}`);
    expect(await transport.verify()).toEqual({ kind: "ready" });
    expect((await transport.deliver(await compose(), go)).kind).toBe("accepted");
  });

  test("that are wrong are the transport's trouble, not the message's", async () => {
    const inbox = await startInbox(guarded);
    const transport = open(`smtp://ann:hunter2@127.0.0.1:${inbox.port}`);
    const expected = {
      kind: "unreachable",
      phase: "connect",
      cause: "authentication",
      code: 535,
      enhancedCode: "5.7.8",
      error: expect.stringContaining("535 5.7.8 wrong password"),
    };
    expect(await transport.verify()).toEqual(expected);
    const reply = await transport.deliver(await compose(), go);
    expect(reply).toEqual(expected);
    expect(JSON.stringify(reply)).not.toContain("hunter2");
  });

  test("that are missing where the server wants them give its refusal", async () => {
    const inbox = await startInbox(guarded);
    const reply = await open(`smtp://127.0.0.1:${inbox.port}`).deliver(await compose(), go);
    expect(reply).toMatchObject({ kind: "refused", phase: "envelope", code: 530 });
  });
});

describe("TLS", () => {
  test("that is required and not offered is the transport's trouble", async () => {
    const inbox = await startInbox();
    const reply = await open(`smtp://127.0.0.1:${inbox.port}?starttls=required`).deliver(await compose(), go);
    expect(reply).toMatchObject({ kind: "unreachable", phase: "connect", cause: "tls" });
    expect(inbox.received).toEqual([]);
  });

  test("with a certificate that does not verify is the transport's trouble, unless that was switched off", async () => {
    for (const [scheme, options] of [
      ["smtps", { secure: true }],
      ["smtp", { disabledCommands: [] }],
    ] as const) {
      const inbox = await startInbox({ ...options, disabledCommands: [], logger: false });
      const url = `${scheme}://127.0.0.1:${inbox.port}`;
      expect(await open(url).deliver(await compose(), go)).toMatchObject({ kind: "unreachable", cause: "tls" });
      expect(await open(`${url}?tls_verify=false`).deliver(await compose(), go)).toMatchObject({ kind: "accepted" });
    }
  });

  test("spoken to a server that speaks none is the transport's trouble", async () => {
    const inbox = await startInbox();
    const reply = await open(`smtps://127.0.0.1:${inbox.port}`).deliver(await compose(), go);
    expect(reply).toMatchObject({ kind: "unreachable", cause: "tls" });
  });
});

test("a URL that cannot be used is refused when the transport is made", () => {
  expect(() => createSmtpTransport({ url: "mail.example.com", poolSize: 1 })).toThrow("The SMTP URL is not a URL; ");
});

test("verify tells a closed port from a ready server", async () => {
  const inbox = await startInbox();
  expect(await open(`smtp://127.0.0.1:${inbox.port}`).verify()).toEqual({ kind: "ready" });
  expect(await open(`smtp://127.0.0.1:${await closedPort()}`).verify()).toMatchObject({
    kind: "unreachable",
    phase: "connect",
    cause: "network",
  });
});

/** A TCP proxy that writes down, in order, what passes in which direction. */
async function startTap(port: number, events: string[]): Promise<number> {
  const server = net.createServer((client) => {
    const upstream = net.connect(port, "127.0.0.1");
    for (const socket of [client, upstream]) socket.on("error", () => {});
    let inData = false;
    upstream.on("data", (chunk) => {
      const text = chunk.toString();
      if (/^354/m.test(text)) inData = true;
      events.push(/^(354|250 kept)/m.exec(text)?.[0] ?? `other: ${text}`);
      client.write(chunk);
    });
    client.on("data", (chunk) => {
      if (inData) events.push("body");
      if (chunk.toString().endsWith("\r\n.\r\n")) inData = false;
      upstream.write(chunk);
    });
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => server.close());
  return portOf(server);
}

/** Connects and waits for the greeting: whatever was written to a local socket before has been read by then. */
async function roundTrip(port: number): Promise<void> {
  const socket = net.connect(port, "127.0.0.1");
  await once(socket, "data");
  socket.destroy();
}

async function closedPort(): Promise<number> {
  const server = net.createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = portOf(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function portOf(server: net.Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
