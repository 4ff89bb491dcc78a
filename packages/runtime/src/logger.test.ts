import { expect, test } from "vitest";
import { createLogger } from "./logger.ts";

function log(write: (logger: ReturnType<typeof createLogger>) => void): Record<string, unknown> {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  write(createLogger({ role: "api", level: "info", isTerminal: false, destination }));
  expect(lines).toHaveLength(1);
  return JSON.parse(lines[0] ?? "");
}

test("an error is logged with its words, its causes and its codes, and without the objects that libraries hang on it", () => {
  const connection = { secretKey: 851_247_381, connectionParameters: { password: "hunter2" } };
  const cause = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET", client: connection });
  const err = Object.assign(new Error("the database was lost", { cause }), { code: "57P01", client: connection });

  const line = log((logger) => logger.error({ err }, "oh"));

  expect(line.err).toEqual({
    type: "Error",
    message: "the database was lost: read ECONNRESET",
    stack: expect.stringContaining("caused by: Error: read ECONNRESET"),
    code: "57P01",
  });
});

test("of several errors in one each is described the same way", () => {
  const each = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED", client: {} });
  const line = log((logger) => logger.error({ err: new AggregateError([each], "nobody answers") }, "oh"));

  expect(line.err).toMatchObject({
    message: "nobody answers",
    aggregateErrors: [{ message: "connect ECONNREFUSED", code: "ECONNREFUSED" }],
  });
  expect(JSON.stringify(line)).not.toContain("client");
});

test("what is thrown and is no error is logged as it is", () => {
  expect(log((logger) => logger.error({ err: "just words" }, "oh")).err).toBe("just words");
});
