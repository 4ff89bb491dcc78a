import { newId } from "@dripline/db/new-id";
import { expect, test } from "vitest";
import { firstIdOfMoment, momentOfId } from "./id-moment.ts";

test("an id tells the millisecond in which it was made, and no id of that millisecond is lower than its first", () => {
  const before = Date.now();
  const id = newId();
  const moment = momentOfId(id);
  expect(moment.getTime()).toBeGreaterThanOrEqual(before);
  expect(moment.getTime()).toBeLessThanOrEqual(Date.now());
  expect(firstIdOfMoment(moment) < id).toBe(true);
  expect(firstIdOfMoment(new Date(moment.getTime() + 1)) > id).toBe(true);
  expect(firstIdOfMoment(new Date(0))).toBe("00000000-0000-0000-0000-000000000000");
});
