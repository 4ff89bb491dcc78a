import { describe, expect, test } from "vitest";
import { entityTag, readIfMatch, refuseOtherRevision } from "./if-match.ts";

describe("If-Match is read as RFC 9110 says:", () => {
  test.each([
    ["nothing", undefined, undefined],
    ["anything", "*", "*"],
    ["one tag", '"7"', [7]],
    ["several", '"7", "8" ,"9"', [7, 8, 9]],
    ["empty members of the list", ', "7",, "8",', [7, 8]],
    ["a weak tag matches nothing", 'W/"7"', []],
    ["a weak one among strong ones", 'W/"7", "8"', [8]],
    ["a tag that is no revision of ours", '"abc", "", "7.0", "-1"', []],
    ["a comma inside a tag", '"1,2", "3"', [3]],
    ["a header that was sent twice", ['"7"', '"8"'], [7, 8]],
    ["spaces around it", '  "7"  ', [7]],
  ])("%s", (_, header, expected) => {
    expect(readIfMatch(header)).toEqual(expected);
  });

  test.each(["", "7", '"7', '"7" "8"', "W/7", 'w/"7"', '*, "7"', ",", "'7'", `"7"${" ,".repeat(5_000)}x`])(
    "%s is refused",
    (header) => {
      expect(() => readIfMatch(header)).toThrow(expect.objectContaining({ code: "invalid_header" }));
    },
  );
});

test("a revision matches its own entity tag, and no other", () => {
  const ifMatch = readIfMatch(entityTag(7));
  expect(() => refuseOtherRevision(ifMatch, { revision: 7 })).not.toThrow();
  expect(() => refuseOtherRevision(ifMatch, { revision: 8 })).toThrow(
    expect.objectContaining({ code: "precondition_failed", details: { extensions: { revision: 8 } } }),
  );
  expect(() => refuseOtherRevision(readIfMatch('W/"7"'), { revision: 7 })).toThrow();
  expect(() => refuseOtherRevision(undefined, { revision: 8 })).not.toThrow();
  expect(() => refuseOtherRevision("*", { revision: 8 })).not.toThrow();
});
