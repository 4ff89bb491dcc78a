import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { freePort } from "@dripline/embedded/free-port";
import { expect, test } from "vitest";
import { describeFinding } from "./finding.ts";
import { judgeSkew, judgeVersion } from "./look-at-database.ts";
import { lookAtNode } from "./look-at-node.ts";
import { lookAtLinks, lookAtSmtp } from "./look-at-smtp.ts";
import { judgeWorkers } from "./look-at-workers.ts";

test.each([
  ["20.19.0", "good"],
  ["24.1.0", "good"],
  ["20.18.9", "bad"],
  ["18.20.0", "bad"],
])("Node.js %s is %s", (version, kind) => {
  expect(lookAtNode(version).kind).toBe(kind);
});

test.each([
  ["18.4", "good"],
  ["15.0 (Debian 15.0-1)", "good"],
  ["14.22", "bad"],
])("PostgreSQL %s is %s", (version, kind) => {
  expect(judgeVersion(version).kind).toBe(kind);
});

test("a clock that is off is told from two seconds on, in either direction, and is bad where processes refuse to start", () => {
  const kinds = [-31, -2.1, -1.9, 0, 1.9, 2.1, 31].map(
    (seconds) => judgeSkew({ milliseconds: seconds * 1_000, uncertaintyMilliseconds: 0 }).kind,
  );
  expect(kinds).toEqual(["bad", "warning", "good", "good", "good", "warning", "bad"]);
});

async function serve(greet: (socket: Socket) => void): Promise<{ url: string; close: () => void }> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    greet(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => void server.close() };
}

test("a mail server is one that greets with 220 and answers", async () => {
  const good = await serve((socket) => {
    socket.write("220 mail.example.com ESMTP\r\n");
    socket.on(
      "data",
      (line: Buffer) => void socket.write(/^QUIT/i.test(String(line)) ? "221 bye\r\n" : "250 mail.example.com\r\n"),
    );
  });
  const busy = await serve((socket) => void socket.write("554 no service\r\n"));
  expect((await lookAtSmtp(good.url)).kind).toBe("good");
  expect((await lookAtSmtp(busy.url)).kind).toBe("bad");
  good.close();
  busy.close();
});

test("a mail server that is away is told with what to do, without the password", async () => {
  const finding = await lookAtSmtp(`smtp://user:hunter2@127.0.0.1:${await freePort()}`);
  expect(describeFinding(finding)).toMatch(
    /^✗ SMTP server 127\.0\.0\.1:\d+ cannot be reached \(ECONNREFUSED\)\n {4}Start it/,
  );
  expect(describeFinding(finding)).not.toContain("hunter2");
});

test.each([
  ["https://mail.example.com", "smtp://mail.example.com", 0],
  ["http://127.0.0.1:4600", "smtp://127.0.0.1:4602", 0],
  ["http://127.0.0.1:4600", undefined, 0],
  ["http://127.0.0.1:4600", "smtp://mail.example.com", 1],
])("links to %s in emails that leave by %s: %d warnings", (publicUrl, smtpUrl, warnings) => {
  expect(lookAtLinks(publicUrl, smtpUrl)).toHaveLength(warnings);
});

test.each([
  [true, 0, "good"],
  [true, 3, "warning"],
  [false, 0, "warning"],
  [false, 3, "bad"],
])("a worker at work: %j, with %d emails overdue, is %s", (isAtWork, overdue, kind) => {
  expect(judgeWorkers({ isAtWork, overdue, oldestSeconds: 300 }).kind).toBe(kind);
});
