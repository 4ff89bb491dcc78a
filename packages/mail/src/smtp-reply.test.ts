import { describe, expect, test } from "vitest";
import { replyFromAcceptance, replyFromError, type SmtpError } from "./smtp-reply.ts";
import type { BodyStage } from "./transport.ts";

function failure(message: string, fields: Partial<SmtpError> = {}): SmtpError {
  return Object.assign(new Error(message), fields);
}

const withoutAnswer = [
  failure("Connection closed unexpectedly", { code: "ECONNECTION" }),
  failure("read ECONNRESET", { code: "ESOCKET", originalCode: "ECONNRESET" }),
  failure("bad record mac", { code: "ESOCKET", originalCode: "ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC" }),
  failure("TLS", { code: "ETLS" }),
  failure("login", { code: "EAUTH" }),
  failure("Timeout", { code: "ETIMEDOUT" }),
  failure("aborted", { code: "EABORT" }),
  failure("unexpected", { code: "EPROTOCOL", response: "250 what", responseCode: 250 }),
  failure("something new"),
];

describe("an error without a refusal", () => {
  test.each(withoutAnswer)("%s is a doubt once the body was released, and only then", (error) => {
    expect(replyFromError(error, "released").kind).toBe("in_doubt");
    for (const stage of ["queued", "envelope", "asked"] satisfies BodyStage[]) {
      expect(replyFromError(error, stage).kind, stage).toBe("unreachable");
    }
  });
});

test.each([
  ["EAUTH", "", "authentication"],
  ["ETLS", "", "tls"],
  ["ESOCKET", "DEPTH_ZERO_SELF_SIGNED_CERT", "tls"],
  ["ESOCKET", "CERT_HAS_EXPIRED", "tls"],
  ["ESOCKET", "ERR_TLS_CERT_ALTNAME_INVALID", "tls"],
  ["ESOCKET", "ECONNREFUSED", "network"],
  ["EDNS", "ENOTFOUND", "network"],
  ["ETIMEDOUT", "", "network"],
  ["ECONFIG", "", "configuration"],
])("%s %s is caused by %s", (code, originalCode, cause) => {
  expect(replyFromError(failure("x", { code, originalCode }), "queued")).toMatchObject({ kind: "unreachable", cause });
});

test("an id that the server gave the message is kept", () => {
  expect(replyFromAcceptance("250 Ok 0100-00", "<0100-00@email.amazonses.com>")).toEqual({
    kind: "accepted",
    code: 250,
    response: "250 Ok 0100-00",
    serverMessageId: "<0100-00@email.amazonses.com>",
  });
});
