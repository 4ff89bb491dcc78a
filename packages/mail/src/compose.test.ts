import PostalMime from "postal-mime";
import { describe, expect, test } from "vitest";
import { composeMessage, type MessageParts } from "./compose.ts";

const parts: MessageParts = {
  messageId: "<x1@example.com>",
  date: new Date("2026-01-02T03:04:05Z"),
  from: { name: "Acme", address: "hello@example.com" },
  to: { name: "Ann Lee", address: "ann@example.org" },
  subject: "Welcome",
  html: "<p>Hello Ann</p>",
  text: "Hello Ann",
  unsubscribeUrl: "https://example.com/unsubscribe/token",
};

describe("a composed message", () => {
  test("carries text and HTML as alternatives, the text first", async () => {
    const message = await composeMessage({ ...parts, text: "Grüße\n.\nvon uns", html: "<p>Grüße</p>" });
    const read = await PostalMime.parse(message.raw);
    expect(read.text?.trim()).toBe("Grüße\n.\nvon uns");
    expect(read.html?.trim()).toBe("<p>Grüße</p>");
    const raw = message.raw.toString();
    expect(raw).toMatch(/^Content-Type: multipart\/alternative;/m);
    expect(raw.indexOf("text/plain")).toBeLessThan(raw.indexOf("text/html"));
  });

  test("lets its recipient opt out with one click and keeps autoresponders quiet", async () => {
    const raw = (await composeMessage({ ...parts, listId: "welcome.example.com" })).raw.toString();
    expect(raw).toMatch(/^List-Unsubscribe: <https:\/\/example\.com\/unsubscribe\/token>\r$/m);
    expect(raw).toMatch(/^List-Unsubscribe-Post: List-Unsubscribe=One-Click\r$/m);
    expect(raw).toMatch(/^Auto-Submitted: auto-generated\r$/m);
    expect(raw).toMatch(/^List-ID: <welcome\.example\.com>\r$/m);
  });

  test("keeps a long unsubscribe URL on one line, as DKIM relays need it", async () => {
    const unsubscribeUrl = `https://example.com/unsubscribe/${"x".repeat(120)}`;
    const raw = (await composeMessage({ ...parts, unsubscribeUrl })).raw.toString();
    expect(raw).toContain(`List-Unsubscribe: <${unsubscribeUrl}>\r\n`);
  });

  test("is the same bytes for the same parts, so a second attempt is the same message", async () => {
    const [first, second] = [await composeMessage(parts), await composeMessage(parts)];
    expect(first.raw.equals(second.raw)).toBe(true);
    const other = await composeMessage({ ...parts, messageId: "<x2@example.com>" });
    expect(boundaryOf(other.raw)).not.toBe(boundaryOf(first.raw));
  });

  test("carries the Message-ID and the date it was given", async () => {
    const read = await PostalMime.parse((await composeMessage(parts)).raw);
    expect(read.messageId).toBe("<x1@example.com>");
    expect(read.date).toBe("2026-01-02T03:04:05.000Z");
  });

  test("ends every line with CRLF and keeps each under 998 bytes", async () => {
    const message = await composeMessage({
      ...parts,
      html: `<p>${"long ".repeat(2000)}</p>`,
      text: "a\nb\rc\r\nd\u0000e",
    });
    const raw = message.raw.toString("latin1");
    expect(raw.replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
    expect(Math.max(...raw.split("\r\n").map((line) => line.length))).toBeLessThan(998);
  });

  test("sends an internationalised domain in its ASCII form", async () => {
    const message = await composeMessage({ ...parts, to: { name: "", address: "ann@exämple.org" } });
    expect(message.envelope.to).toEqual(["ann@xn--exmple-cua.org"]);
  });

  test("names a reply address when one is given", async () => {
    const message = await composeMessage({ ...parts, replyTo: { name: "Help, Desk", address: "help@example.com" } });
    const read = await PostalMime.parse(message.raw);
    expect(read.replyTo).toEqual([{ name: "Help, Desk", address: "help@example.com" }]);
  });
});

describe("nothing that a user writes adds a header or a recipient", () => {
  const injections = [
    "x\r\nBcc: evil@example.net",
    "x\nBcc: evil@example.net",
    "x\rBcc: evil@example.net",
    "x\r\n\r\n<script>body</script>",
    "x\u2028Bcc: evil@example.net",
    "x\u0000y",
    'x" <evil@example.net>, "y',
    "evil@example.net,",
    "x <evil@example.net>",
    "=?utf-8?Q?x=0D=0ABcc:_evil@example.net?=",
    `${"x".repeat(2000)}\r\nBcc: evil@example.net`,
  ];

  test.each(injections)("name and subject %j", async (text) => {
    const message = await composeMessage({
      ...parts,
      subject: text,
      from: { name: text, address: "hello@example.com" },
      to: { name: text, address: "ann@example.org" },
      replyTo: { name: text, address: "help@example.com" },
    });
    expect(message.envelope).toEqual({ from: "hello@example.com", to: ["ann@example.org"] });
    const plain = await composeMessage({ ...parts, replyTo: { name: "H", address: "help@example.com" } });
    expect(headerNames(message.raw)).toEqual(headerNames(plain.raw));
    const read = await PostalMime.parse(message.raw);
    expect(read.from?.address).toBe("hello@example.com");
    expect(read.to?.map((to) => to.address)).toEqual(["ann@example.org"]);
    expect(read.replyTo?.map((to) => to.address)).toEqual(["help@example.com"]);
    expect(read.cc).toBeUndefined();
    expect(read.bcc).toBeUndefined();
  });

  test.each([
    "ann@example.org\r\nBcc: evil@example.net",
    "ann@example.org, evil@example.net",
    "ann@example.org> SIZE=1 <evil@example.net",
    "<ann@example.org>",
    "Ann <ann@example.org>",
    "group: evil@example.net;",
    '"a b"@example.org',
    "ann@example.org@example.net",
    "ann@",
    "@example.org",
    "ann",
    "",
    "ann@bare",
    "änn@example.org",
    "ann..lee@example.org",
    "ann@exam ple.org",
    "ann@[127.0.0.1]",
  ])("address %j is refused", async (address) => {
    for (const field of ["from", "to", "replyTo"] as const) {
      await expect(composeMessage({ ...parts, [field]: { name: "", address } })).rejects.toThrow("mail address");
    }
  });

  test.each(["http://example.com/u", "mailto:out@example.com", "javascript:alert(1)"])(
    "unsubscribe URL %j is refused",
    async (unsubscribeUrl) => {
      await expect(composeMessage({ ...parts, unsubscribeUrl })).rejects.toThrow("must be https");
    },
  );

  test("an unsubscribe URL on this machine may be http, for trying things out", async () => {
    const message = await composeMessage({ ...parts, unsubscribeUrl: "http://localhost:3000/u/t" });
    expect(message.raw.toString()).toContain("List-Unsubscribe: <http://localhost:3000/u/t>\r\n");
  });

  test("a URL that tries to end its own header is percent-encoded", async () => {
    const message = await composeMessage({
      ...parts,
      unsubscribeUrl: "https://example.com/?a=>,<https://evil/\r\nX: y",
    });
    const line = /^List-Unsubscribe: (.*)\r$/m.exec(message.raw.toString())?.[1];
    expect(line).toMatch(/^<https:\/\/example\.com\/[^<>,]*>$/);
  });

  test.each(["a\r\nX: y", "<a>", "a b", ""])("list id %j is refused", async (listId) => {
    await expect(composeMessage({ ...parts, listId })).rejects.toThrow("list id");
  });

  test.each(["x@y", "<x@y>\r\nX: y", "<x>", "<a@b> <c@d>"])("Message-ID %j is refused", async (messageId) => {
    await expect(composeMessage({ ...parts, messageId })).rejects.toThrow("Message-ID");
  });

  test("content that names a file stays text", async () => {
    const message = await composeMessage({ ...parts, text: "/etc/passwd", html: "file:///etc/passwd" });
    const read = await PostalMime.parse(message.raw);
    expect(read.text?.trim()).toBe("/etc/passwd");
    expect(read.attachments).toEqual([]);
  });
});

function headerNames(raw: Buffer): string[] {
  const head = raw.toString().split("\r\n\r\n")[0] ?? "";
  return head.split("\r\n").flatMap((line) => /^([A-Za-z-]+):/.exec(line)?.[1] ?? []);
}

function boundaryOf(raw: Buffer): string | undefined {
  return /boundary="([^"]+)"/.exec(raw.toString())?.[1];
}
