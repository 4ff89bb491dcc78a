import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { createApiKey } from "@dripline/db/api-keys";
import { freePort } from "@dripline/embedded/free-port";
import { OutageProxy } from "@dripline/queue/testing/outage-proxy";
import { freshDatabase } from "@dripline/testkit/database";
import { makeSequence } from "@dripline/testkit/factories";
import { startSmtpByRecipient } from "@dripline/testkit/smtp-by-recipient";
import { waitFor } from "@dripline/testkit/wait-for";
import { expect, test } from "vitest";
import { startProcess } from "./child-process.ts";

const timeoutMilliseconds = 25_000;

test("whatever goes wrong, no line of API or worker has an address, each is JSON, and says which request or email it is about", async () => {
  const database = await freshDatabase();
  const smtp = await startSmtpByRecipient();
  const { proxy, url } = await OutageProxy.to(database.url, 5432);
  const port = await freePort();
  const env = {
    DATABASE_URL: url,
    SMTP_URL: smtp.url,
    MAIL_FROM: "Acme <hello.sender@acme.example>",
    DRIPLINE_SECRET: "a secret of at least thirty-two characters",
    API_PORT: String(port),
    DRIPLINE_DAY_LENGTH: "2s",
    LOG_LEVEL: "debug",
  };
  const [api, worker] = await Promise.all([startProcess("api", env), startProcess("worker", env)]);
  const { key } = await createApiKey(database.pool, { name: "test", now: new Date(), scopes: ["admin"] });
  const call = (method: string, path: string, body?: unknown) =>
    fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json", "x-request-id": "my-request-1" },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });

  const accepted = "accepted.person@example.com";
  const refused = "refused.person@example.com";
  const slowed = "slowed.person@example.com";
  const doubtful = "doubtful.person@example.com";
  smtp.playFor(refused, [{ refuseRecipient: { code: 550, text: `5.1.1 <${refused}>: no such user here` } }]);
  smtp.playFor(slowed, [{ refuseBody: { code: 451, text: `4.2.0 <${slowed}> is greylisted` } }, "accept"]);
  smtp.playFor(doubtful, ["drop_after_body"]);
  const { id: sequence_id } = await makeSequence(database.pool, { steps: [{}] });
  for (const email of [accepted, refused, slowed, doubtful]) {
    await call("POST", "/api/v1/sequence-enrollments/enroll/", { sequence_id, contact: { email, first_name: "Ann" } });
  }
  await waitFor(
    async () => {
      const { rows } = await database.pool.query(
        "select count(*)::int as open from step_execution where status in ('scheduled', 'sending')",
      );
      return rows[0].open === 0;
    },
    { timeoutMilliseconds, describe: "all to have an outcome" },
  );

  // Requests that are refused, with an address wherever one can be.
  await call("POST", "/api/v1/sequence-enrollments/enroll/", { sequence_id, contact: { email: accepted } });
  await call("POST", "/api/v1/contacts/", `{"email": "${accepted}", "oops"}`);
  await call("GET", `/api/v1/contacts/?search=${encodeURIComponent(refused)}&nonsense=${refused}`);
  await call("GET", `/nowhere/${accepted}`);
  // A database that goes away under a request and under an email.
  const { id: second } = await makeSequence(database.pool, { steps: [{}] });
  await proxy.goDown();
  const away = await call("POST", "/api/v1/sequence-enrollments/enroll/", {
    sequence_id: second,
    contact: { email: slowed },
  });
  expect(away.status).toBe(503);
  await worker.says("a sweep failed");
  await proxy.goUp();
  await api.end("SIGTERM");
  await worker.end("SIGTERM");
  await proxy.goDown();
  await smtp.close();

  const output = api.output() + worker.output();
  for (const name of ["accepted.person", "refused.person", "slowed.person", "doubtful.person", "hello.sender"]) {
    expect(output.split("\n").filter((line) => line.includes(name))).toEqual([]);
  }
  expect(output).toContain("r…@example.com"); // told, and redacted
  expect(output).not.toContain(key);

  const linesOf = (text: string) =>
    text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const ofRequests = linesOf(api.output()).filter(({ msg }) => /answered|request|wake-up/.test(String(msg)));
  expect(ofRequests.length).toBeGreaterThan(8);
  for (const line of ofRequests) expect(line).toMatchObject({ requestId: "my-request-1" });
  const ofEmails = linesOf(worker.output()).filter(({ msg }) =>
    /^(sent|failed|in doubt|will be tried|a wake-up went wrong|held|claim refused|wake-up is over)/.test(String(msg)),
  );
  expect(ofEmails.map(({ msg }) => msg)).toEqual(
    expect.arrayContaining(["sent", "failed: needs an operator", "in doubt", "will be tried again"]),
  );
  for (const line of ofEmails) expect(line).toMatchObject({ executionId: expect.stringMatching(/^[0-9a-f-]{36}$/) });
}, 120_000);

test("the last words of a process that ends at once are written", async () => {
  const logger = new URL("../packages/runtime/dist/logger.js", import.meta.url).href;
  const program = `import { createLogger } from ${JSON.stringify(logger)};
    createLogger({ role: "worker", level: "info", isTerminal: false }).info("last words");
    process.exit();`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program]);
  expect(JSON.parse(stdout)).toMatchObject({ msg: "last words" });
});
