import { describe, expect, test } from "vitest";
import { isLoopbackHost, parseSmtpUrl } from "./smtp-url.ts";

describe("an SMTP URL", () => {
  test("gives host, port and decoded credentials", () => {
    expect(parseSmtpUrl("smtp://an%40n:p%3Aw%2F%23@mail.example.com:2525")).toEqual({
      ok: true,
      server: {
        host: "mail.example.com",
        port: 2525,
        tls: "required",
        tlsVerify: true,
        auth: { user: "an@n", pass: "p:w/#" },
      },
    });
  });

  test.each([
    ["smtp://mail.example.com", { port: 587, tls: "optional" }],
    ["smtp://user:pw@mail.example.com", { port: 587, tls: "required" }],
    ["smtp://user:pw@localhost:2525", { port: 2525, tls: "optional" }],
    ["smtp://user:pw@mail.example.com?starttls=optional", { tls: "optional" }],
    ["smtp://mail.example.com?starttls=off", { tls: "off" }],
    ["smtps://user:pw@mail.example.com", { port: 465, tls: "implicit" }],
    ["smtps://user:pw@mail.example.com:587/", { port: 587, tls: "implicit" }],
    [
      "smtps://[::1]:465?tls_verify=false&name=me.example.com",
      { host: "::1", tlsVerify: false, name: "me.example.com" },
    ],
  ])("%s", (url, expected) => {
    expect(parseSmtpUrl(url)).toMatchObject({ ok: true, server: expected });
  });

  test.each([
    ["", "is not a URL"],
    ["mail.example.com:25", "does not start with smtp:// or smtps://"],
    ["http://mail.example.com", "does not start with smtp:// or smtps://"],
    ["smtp://", "names no host"],
    ["smtp://mail.example.com:99999", "not a URL"],
    ["smtp://exämple.com", "ASCII"],
    ["smtp://mail.example.com/inbox", "has a path"],
    ["smtp://user@mail.example.com", "both user and password"],
    ["smtp://user:pw%zz@mail.example.com", "%25"],
    ["smtp://user:pw@mail.example.com#x", "%23"],
    ["smtp://mail.example.com?pool=5", "unknown option (pool)"],
    ["smtp://mail.example.com?starttls=yes", "required, optional and off"],
    ["smtps://mail.example.com?starttls=required", "does not go with smtps://"],
    ["smtp://mail.example.com?tls_verify=no", "neither true nor false"],
    ["smtp://mail.example.com?name=a%20b", "host name"],
  ])("%j is answered with what is wrong", (url, problem) => {
    expect(parseSmtpUrl(url)).toMatchObject({ ok: false, problem: expect.stringContaining(problem) });
  });

  test("a problem never repeats the password", () => {
    for (const url of [
      "smtp://user:hunter2@mail.example.com/x",
      "smtp://user:hunter2 @:",
      "smtp://:hunter2@example.com",
      "smtp://user:12/hunter2@mail.example.com",
      "smtp://user:12?hunter2@mail.example.com",
      "smtp://user:12?starttls=hunter2@mail.example.com",
      "smtp://user:12?tls_verify=hunter2@mail.example.com",
      "smtp://user:12?name=hunter2@mail.example.com",
      "smtp://user:12#hunter2@mail.example.com",
      "hunter2:user@mail.example.com",
    ]) {
      expect(JSON.stringify(parseSmtpUrl(url))).not.toContain("hunter2");
    }
  });
});

test("this machine is told from others without asking DNS", () => {
  for (const host of [
    "localhost",
    "LOCALHOST.",
    "a.localhost",
    "127.0.0.1",
    "127.9.9.9",
    "::1",
    "[::1]",
    "0:0:0:0:0:0:0:1",
    "::ffff:127.0.0.1",
  ]) {
    expect(isLoopbackHost(host), host).toBe(true);
  }
  for (const host of [
    "example.com",
    "localhost.example.com",
    "127.0.0.1.example.com",
    "128.0.0.1",
    "0.0.0.0",
    "::",
    "::ffff:10.0.0.1",
    "10.0.0.1",
    "",
    "notlocalhost",
  ]) {
    expect(isLoopbackHost(host), host).toBe(false);
  }
});
