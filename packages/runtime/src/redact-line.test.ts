import { expect, test } from "vitest";
import { redactLine } from "./redact.ts";

// Each secret as the only one in its line, lest another one be what the line is gone through for.
test.each([
  ["an address", '{"msg":"to ann@example.com"}', '{"msg":"to a…@example.com"}'],
  ["a password in a URL", '{"msg":"redis://u:hunter2@host"}', '{"msg":"redis://[redacted]@host"}'],
  ["a bearer token", '{"msg":"Bearer hunter2"}', '{"msg":"Bearer [redacted]"}'],
  ["a bearer token in small letters", '{"msg":"bearer hunter2"}', '{"msg":"bearer [redacted]"}'],
  ["an API key", '{"msg":"dk_live_hunter2hunter2"}', '{"msg":"dk_live_[redacted]"}'],
])("%s is taken out of a line that holds nothing else", (_what, line, redacted) => {
  expect(redactLine(line)).toBe(redacted);
});

test.each(["authorization", "cookie", "set-cookie", "password", "secret", "apiKey", "api_key", "token", "Password"])(
  "the field %s is taken out of a line that holds nothing else",
  (field) => {
    expect(redactLine(`{"${field}":"hunter2"}`)).toBe(`{"${field}":"[redacted]"}`);
  },
);
