import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { createTransport } from "nodemailer";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Inbox, startInbox } from "./inbox.ts";

let directory: string;
let inbox: Inbox;
let clock: Date;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "dripline-inbox-"));
  clock = new Date("2026-03-02T09:00:00Z");
  inbox = await open();
});

afterEach(async () => {
  await inbox.close();
  await rm(directory, { recursive: true, force: true });
});

function open(): Promise<Inbox> {
  return startInbox({ directory, now: () => clock });
}

async function send(message: Partial<Parameters<ReturnType<typeof createTransport>["sendMail"]>[0]> = {}) {
  const transport = createTransport({ url: inbox.smtpUrl });
  try {
    return await transport.sendMail({
      from: { name: "Dripline", address: "hello@example.com" },
      to: { name: "Dana", address: "dana@example.com" },
      subject: "Welcome",
      text: "Good to have you.",
      html: "<p>Good to have <b>you</b>.</p>",
      ...message,
    });
  } finally {
    transport.close();
  }
}

type MessageJson = {
  id: string;
  subject: string;
  size_bytes: number;
  headers: unknown[];
  _links: Record<"self" | "raw", string>;
};

async function getJson<Body = unknown>(where: string): Promise<{ status: number; body: Body }> {
  const response = await fetch(new URL(where, inbox.httpUrl));
  return { status: response.status, body: (await response.json()) as Body };
}

async function listJson(query = ""): Promise<MessageJson[]> {
  return (await getJson<{ messages: MessageJson[] }>(`/api/messages${query}`)).body.messages;
}

const soon = { timeoutMilliseconds: 5_000 };

test("as a slow mail server it answers only after the time it was given, with the message on disk long before", async () => {
  await inbox.close();
  inbox = await startInbox({ directory, now: () => clock, answerMilliseconds: 400 });
  const startedAt = performance.now();
  let answered = false;
  const sending = send().finally(() => (answered = true));
  await inbox.waitForMessage(() => true, soon);
  expect(answered).toBe(false);
  await sending;
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(400);
});

test("a message is on disk, byte for byte, when its sender gets the 250", async () => {
  const { message: sent } = await createTransport({ streamTransport: true, buffer: true, newline: "windows" }).sendMail(
    {
      from: "hello@example.com",
      to: "dana@example.com",
      subject: "Exact",
      text: "one\r\n.two\r\nthree",
    },
  );

  const { response } = await send({ raw: sent as Buffer });

  expect(response).toMatch(/^250/);
  const [file] = (await readdir(directory)).filter((name) => name.endsWith(".eml"));
  expect((await readFile(path.join(directory, file ?? ""))).toString().trimEnd()).toBe(String(sent).trimEnd());
});

test("a message that cannot be written is refused for now, not swallowed", async () => {
  await rm(directory, { recursive: true });

  await expect(send()).rejects.toMatchObject({ responseCode: 452 });
  expect(inbox.messages()).toEqual([]);
});

test("a message above the size limit is refused for good", async () => {
  await expect(send({ text: "x".repeat(26 * 1024 * 1024) })).rejects.toMatchObject({ responseCode: 552 });
  expect(inbox.messages()).toEqual([]);
});

test("the envelope is kept beside the headers, as blind recipients stand nowhere else", async () => {
  await send({ envelope: { from: "bounce@example.com", to: ["dana@example.com", "hidden@example.com"] } });

  expect(inbox.messages()[0]).toMatchObject({
    envelopeFrom: "bounce@example.com",
    envelopeTo: ["dana@example.com", "hidden@example.com"],
    from: { name: "Dripline", address: "hello@example.com" },
    to: [{ name: "Dana", address: "dana@example.com" }],
  });
});

test("messages of an earlier run are listed again, with their envelope and time", async () => {
  await send({ subject: "First" });
  clock = new Date("2026-03-02T09:05:00Z");
  await send({ subject: "Second" });
  const before = inbox.messages();
  await inbox.close();

  clock = new Date("2026-03-02T10:00:00Z");
  inbox = await open();

  expect(inbox.messages()).toEqual(before);
  expect(inbox.messages().map((message) => message.subject)).toEqual(["Second", "First"]);
});

test("the order is the order of arrival, also when the clock stands still or is set back", async () => {
  await send({ subject: "1" });
  await send({ subject: "2" });
  clock = new Date("2026-03-02T08:00:00Z");
  await send({ subject: "3" });

  expect(inbox.messages().map((message) => message.subject)).toEqual(["3", "2", "1"]);
});

test("files that are no messages are listed as unreadable, and the rest is there", async () => {
  await send({ subject: "Sound" });
  await inbox.close();
  await writeFile(path.join(directory, "20200101T000000000Z-aaaaaa.eml"), "");
  await writeFile(path.join(directory, "20200101T000000000Z-bbbbbb.eml"), Buffer.from([0, 255, 254, 0, 10, 0]));
  await writeFile(path.join(directory, "20200101T000000000Z-bbbbbb.json"), "{ broken");

  inbox = await open();

  const readable = inbox.messages().map((message) => [message.subject, message.unreadable === null]);
  expect(readable).toEqual([
    ["Sound", true],
    ["", false],
    ["", false],
  ]);
  expect((await getJson("/api/messages/20200101T000000000Z-bbbbbb")).body).toMatchObject({ headers: [], html: null });
});

test("what a killed run had half written is cleared away at the next start", async () => {
  await inbox.close();
  await writeFile(path.join(directory, "20200101T000000000Z-cccccc.eml.part"), "From: a");

  inbox = await open();

  expect(inbox.messages()).toEqual([]);
  expect(await readdir(directory)).toEqual([]);
});

test("waitForMessage finds what has arrived already and what arrives later", async () => {
  const later = inbox.waitForMessage((message) => message.subject === "Later", soon);
  await send({ subject: "Early" });
  await send({ subject: "Later" });

  expect((await later).subject).toBe("Later");
  expect((await inbox.waitForMessage((message) => message.subject === "Early", soon)).subject).toBe("Early");
});

test("waitForMessage gives up at its limit, when told to, and when the inbox closes", async () => {
  const aborted = new AbortController();
  const waits = [
    inbox.waitForMessage(() => true, { timeoutMilliseconds: 20 }),
    inbox.waitForMessage(() => true, { signal: aborted.signal }),
    inbox.waitForMessage(() => true, { timeoutMilliseconds: 60_000 }),
  ];
  const outcomes = Promise.allSettled(waits);
  aborted.abort();
  await waits[0]?.catch(() => {});
  await inbox.close();

  expect((await outcomes).map((outcome) => outcome.status)).toEqual(["rejected", "rejected", "rejected"]);
});

test("any name and password are accepted, as the inbox stands in for a real server", async () => {
  const url = new URL(inbox.smtpUrl);
  url.username = "somebody";
  url.password = "anything";
  const transport = createTransport({ url: url.href });

  expect(await transport.verify()).toBe(true);
  transport.close();
});

test("close() does not wait for a client that keeps an idle connection open", async () => {
  const idle = connect(Number(new URL(inbox.smtpUrl).port), "127.0.0.1");
  const [greeting] = await once(createInterface({ input: idle }), "line");
  expect(greeting).toMatch(/^220/);
  const ended = once(idle, "close");
  idle.on("error", () => {});

  await inbox.close();
  await ended;
});

test("GET /api/messages lists newest first and filters by recipient and subject", async () => {
  await send({ subject: "Welcome", to: "dana@example.com" });
  await send({ subject: "Tips", to: "dana@example.com" });
  await send({ subject: "Welcome", to: "kim@example.com" });

  const subjects = async (query: string) => (await listJson(query)).map((message) => message.subject);
  expect(await subjects("")).toEqual(["Welcome", "Tips", "Welcome"]);
  expect(await subjects("?to=DANA@")).toEqual(["Tips", "Welcome"]);
  expect(await subjects("?to=dana@example.com&subject=welc")).toEqual(["Welcome"]);
  expect((await getJson("/api/messages?recipient=x")).status).toBe(400);
});

test("GET /api/messages/{id} has headers, text and HTML, and its links lead to the raw bytes", async () => {
  await send({ messageId: "<step-1@example.com>", headers: { "List-Unsubscribe": "<https://example.com/u>" } });
  const listed = (await listJson())[0] ?? expect.fail("nothing is listed");

  const { body } = await getJson<MessageJson>(listed._links.self);

  expect(body).toMatchObject({
    ...listed,
    message_id: "<step-1@example.com>",
    received_at: "2026-03-02T09:00:00.000Z",
    html: expect.stringContaining("<b>you</b>"),
    text: expect.stringContaining("Good to have you."),
  });
  expect(body.headers).toContainEqual({ name: "List-Unsubscribe", value: "<https://example.com/u>" });
  const raw = await fetch(new URL(body._links.raw, inbox.httpUrl));
  expect(raw.headers.get("content-type")).toBe("message/rfc822");
  expect((await raw.arrayBuffer()).byteLength).toBe(body.size_bytes);
});

test("DELETE /api/messages empties the list and the directory", async () => {
  await send();

  const response = await fetch(new URL("/api/messages", inbox.httpUrl), { method: "DELETE" });

  expect(response.status).toBe(204);
  expect(await listJson()).toEqual([]);
  expect(await readdir(directory)).toEqual([]);
});

test("an id that is a path leads nowhere", async () => {
  await writeFile(path.join(directory, "..", "dripline-secret.eml"), "From: secret\r\n\r\n");
  try {
    for (const id of ["..%2Fdripline-secret", "..%2f..%2fetc%2fpasswd", "%E0%A4%A", "nothing"]) {
      expect((await getJson(`/api/messages/${id}/raw`)).status).toBe(404);
    }
  } finally {
    await rm(path.join(directory, "..", "dripline-secret.eml"));
  }
});

test("a message's HTML can neither run scripts nor fetch anything", async () => {
  await send({ html: '<head></head><script>alert(1)</script><img src="https://example.com/pixel.png">' });
  const [message] = inbox.messages();

  const response = await fetch(new URL(`/api/messages/${message?.id}/html`, inbox.httpUrl));

  const policy = response.headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("img-src data:");
  expect(policy).toMatch(/sandbox(?!.*allow-(scripts|same-origin))/);
  expect(response.headers.get("x-content-type-options")).toBe("nosniff");
});

test("the page needs nothing from elsewhere and allows one script, its own", async () => {
  const response = await fetch(inbox.httpUrl);
  const html = await response.text();

  expect(response.headers.get("content-security-policy")).toMatch(/default-src 'none'; script-src 'sha256-[^']+';/);
  expect(html).not.toMatch(/(?:src|href)="(?!data:|#)/);
  expect(html).not.toContain("innerHTML");
});

test.each([
  ["evil.example", 421],
  ["evil.example:1080", 421],
  ["127.0.0.1.evil.example", 421],
  ["localhost.evil.example", 421],
  ["localhost:1080", 200],
  ["127.0.0.1:1080", 200],
  ["[::1]:1080", 200],
  ["inbox.localhost", 200],
])(
  "a request for the host %j gets %i, so that no web page can read the mail through a name of its own",
  async (host, status) => {
    const { port } = new URL(inbox.httpUrl);
    const ask = request({ host: "127.0.0.1", port, path: "/api/messages", headers: { host } });
    ask.end();
    const [response] = await once(ask, "response");
    response.resume();

    expect(response.statusCode).toBe(status);
    expect(response.headers["access-control-allow-origin"]).toBeUndefined();
  },
);

test("an open page is told of a new message", async () => {
  const response = await fetch(new URL("/api/events", inbox.httpUrl), { signal: AbortSignal.timeout(5_000) });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader() ?? expect.fail("no stream");
  expect((await reader.read()).value).toContain("retry:");

  await send();

  expect((await reader.read()).value).toContain("event: changed");
  await reader.cancel();
});
