import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { readUnsubscribeToken, unsubscribeToken } from "./unsubscribe-token.ts";

const id = "0198c0de-0000-7000-8000-000000000001";
const secret = "a secret of some length";

test("a token names the enrollment it was made for, in 45 URL-safe characters", () => {
  const token = unsubscribeToken(id, secret);
  expect(token).toMatch(/^[A-Za-z0-9_-]{45}$/);
  expect(readUnsubscribeToken(token, secret)).toBe(id);
  expect(readUnsubscribeToken(unsubscribeToken("enr_12-x", secret), secret)).toBe("enr_12-x");
});

test("a token that differs in any bit is no token", () => {
  const token = unsubscribeToken(id, secret);
  for (let index = 0; index < token.length; index++) {
    for (let bit = 0; bit < 7; bit++) {
      const changed =
        token.slice(0, index) + String.fromCharCode(token.charCodeAt(index) ^ (1 << bit)) + token.slice(index + 1);
      expect(readUnsubscribeToken(changed, secret), changed).toBeNull();
    }
  }
});

test("an id has exactly one token: no second spelling of its last character is valid", () => {
  const token = unsubscribeToken(id, secret);
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const valid = [...alphabet].filter((last) => readUnsubscribeToken(token.slice(0, -1) + last, secret) !== null);
  expect(valid).toEqual([token.at(-1)]);
});

test("tokens of another secret, cut off, made up or enormous are no tokens", () => {
  const token = unsubscribeToken(id, secret);
  expect(readUnsubscribeToken(token, "another secret entirely")).toBeNull();
  for (const made of [
    "",
    "u",
    "x".repeat(22),
    token.slice(1),
    token.slice(0, -1),
    `${token}A`,
    "s".repeat(1e6),
    "é".repeat(45),
  ]) {
    expect(readUnsubscribeToken(made, secret)).toBeNull();
  }
});

test("a signature made with the same secret for another purpose does not open it", () => {
  const name = unsubscribeToken(id, secret).slice(0, -22);
  const other = createHmac("sha256", secret)
    .update(`message-id:${name}`)
    .digest()
    .subarray(0, 16)
    .toString("base64url");
  expect(readUnsubscribeToken(name + other, secret)).toBeNull();
});

test("an id that would not survive a URL is refused when the token is made", () => {
  for (const bad of ["", "a b", "a/b", "a".repeat(101)]) expect(() => unsubscribeToken(bad, secret)).toThrow("id");
  expect(() => unsubscribeToken(id, "short")).toThrow("16 characters");
});
