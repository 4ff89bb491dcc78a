import { expect, test } from "vitest";
import { createLogger } from "./logger.ts";

test("an idle connection that died is told by its error, without the connection itself", () => {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const log = createLogger({ role: "worker", level: "info", isTerminal: false, destination });
  // As pg-pool hands it over.
  const err = Object.assign(new Error("terminating connection"), {
    code: "57P01",
    client: { secretKey: 1, statements: {} },
  });

  log.warn({ err }, "an idle database connection was lost");

  const { err: told } = JSON.parse(lines[0] ?? "");
  expect(told).toMatchObject({ message: "terminating connection", code: "57P01", stack: expect.any(String) });
  expect(told).not.toHaveProperty("client");
});

test("what is no error is told as it is", () => {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const log = createLogger({ role: "worker", level: "info", isTerminal: false, destination });
  log.warn({ err: "a sentence" }, "odd");
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ err: "a sentence" });
});
