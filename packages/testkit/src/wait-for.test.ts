import { expect, test } from "vitest";
import { waitFor } from "./wait-for.ts";

test("the value of the condition is returned as soon as there is one, and zero is a value", async () => {
  const answers = [undefined, null, false, 0];

  expect(await waitFor(() => answers.shift(), { timeoutMilliseconds: 5_000, describe: "zero" })).toBe(0);
});

test("a condition that throws is asked again", async () => {
  let attempts = 0;
  const condition = () => {
    attempts += 1;
    if (attempts < 3) throw new Error("not yet");
    return "there";
  };

  expect(await waitFor(condition, { timeoutMilliseconds: 5_000, describe: "the third attempt" })).toBe("there");
});

test("at the end of its patience it says what it waited for and what went wrong last", async () => {
  const waiting = waitFor(() => Promise.reject(new Error("refused")), {
    timeoutMilliseconds: 30,
    describe: "the email",
  });

  await expect(waiting).rejects.toMatchObject({
    message: expect.stringContaining("the email"),
    cause: expect.objectContaining({ message: "refused" }),
  });
});
