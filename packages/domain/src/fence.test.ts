import { describe, expect, test } from "vitest";
import { type Adoption, judgeFence, publicOriginOf } from "./fence.ts";

const adoption: Adoption = {
  adoptedAt: new Date("2026-11-01T08:00:00Z"),
  adoptedBy: "dripline migrate",
  databaseName: "dripline",
  publicOrigin: "https://mail.example.com",
  isHere: true,
};

describe("what tells one installation from another in PUBLIC_URL", () => {
  test.each([
    ["https://mail.example.com", "https://mail.example.com"],
    ["https://Mail.Example.com:443/dripline", "https://mail.example.com"],
    ["https://mail.example.com:8443", "https://mail.example.com:8443"],
    ["http://127.0.0.1:4600", null],
    ["http://localhost:4700", null],
  ])("%s: %s", (publicUrl, origin) => {
    expect(publicOriginOf(publicUrl)).toBe(origin);
  });
});

const here = "https://mail.example.com";
test.each<[string, readonly Adoption[], string | undefined, string]>([
  ["adopted here, at this address", [adoption], `${here}/path`, "open"],
  ["adopted here, without an address yet", [{ ...adoption, publicOrigin: null }], "https://other.example", "open"],
  [
    "adopted here without an address, seen from this machine",
    [{ ...adoption, publicOrigin: null }],
    "http://127.0.0.1:1",
    "open",
  ],
  ["adopted here, seen by somebody who does not know the address", [adoption], undefined, "open"],
  ["adopted here, at another address", [adoption], "https://staging.example.com", "other_public_url"],
  [
    "adopted at a public address, seen from somebody's own machine",
    [adoption],
    "http://127.0.0.1:4600",
    "other_public_url",
  ],
  ["adopted elsewhere, at the same address", [{ ...adoption, isHere: false }], here, "copied"],
  ["adopted here, and then data was restored over it", [adoption, { ...adoption, isHere: false }], here, "copied"],
  ["never adopted", [], here, "never_adopted"],
])("a database that was %s: %s", (_what, adoptions, publicUrl, expected) => {
  const fence = judgeFence(adoptions, publicUrl);
  expect(fence.kind === "open" ? "open" : fence.reason).toBe(expected);
});

test("a closed fence says where the data is at home, and that nothing is sent", () => {
  expect(judgeFence([{ ...adoption, isHere: false }], here)).toMatchObject({
    message:
      'This database is a copy or was restored: its data was adopted in another place (the database "dripline", at 2026-11-01T08:00:00.000Z). Nothing is sent from here.',
  });
});
