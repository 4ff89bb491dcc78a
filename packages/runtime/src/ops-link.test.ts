import { expect, test } from "vitest";
import { opsLink, readOpsToken } from "./ops-link.ts";

const secret = "0123456789abcdef0123456789abcdef";
const now = new Date("2026-01-01T00:00:00Z");
const link = opsLink("https://mail.example.com", secret, { now, validSeconds: 3_600 });
const token = new URL(link).searchParams.get("token") ?? "";

test("a link opens the queue's page until its time is over, and not a second longer", () => {
  expect(link).toMatch(/^https:\/\/mail\.example\.com\/ops\/login\?token=/);
  const end = new Date("2026-01-01T01:00:00Z");
  expect(readOpsToken(token, secret, now)).toEqual(end);
  expect(readOpsToken(token, secret, new Date(end.getTime() - 1))).toEqual(end);
  expect(readOpsToken(token, secret, end)).toBeUndefined();
});

test("a link of another secret, or with a later end written into it, opens nothing", () => {
  const [expires = "", signature = ""] = token.split(".");
  expect(readOpsToken(token, secret.toUpperCase(), now)).toBeUndefined();
  expect(readOpsToken(`${Number(expires) + 1}.${signature}`, secret, now)).toBeUndefined();
  expect(readOpsToken(`${expires}.${signature.slice(1)}`, secret, now)).toBeUndefined();
  expect(readOpsToken("", secret, now)).toBeUndefined();
});
