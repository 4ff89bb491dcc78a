import { readFileSync } from "node:fs";
import { get } from "node:http";
import { basename } from "node:path";

// The image's HEALTHCHECK, for every role: `healthcheck.mjs [role]`; without one, the role that the container was started
// with. Exit code 0 when it is ready to work, else 1 with the reason. Roles that nobody can ask, such as `migrate`, and a
// worker without METRICS_PORT count as healthy as long as they run.

/** Less than the timeout of HEALTHCHECK, so that the reason is told and not only that there was no answer. */
const answerMillisecondsMax = 4_000;

const role = process.argv[2] ?? roleOfContainer();
const failures = (await Promise.all(questions(role).map(failureOf))).filter((failure) => failure !== undefined);
for (const failure of failures) console.log(failure);
process.exitCode = failures.length === 0 ? 0 : 1;

/** The first process is role.mjs, or the init that started it. */
function roleOfContainer() {
  const line = readFileSync("/proc/1/cmdline", "utf8").split("\0");
  const at = line.findIndex((argument) => basename(argument) === "role.mjs");
  return at === -1 ? undefined : line[at + 1] || "api";
}

function questions(role) {
  const { API_HOST, API_PORT, METRICS_HOST, METRICS_PORT } = process.env;
  const api = url(API_HOST, API_PORT || 4600, "/health/ready/");
  const listener = (port) => (METRICS_PORT ? [url(METRICS_HOST, port, "/health")] : []);
  if (role === "api") return [api];
  if (role === "worker") return listener(Number(METRICS_PORT));
  if (role === "all") return [api, ...listener(Number(METRICS_PORT) + 1)];
  return [];
}

/** Whatever listens on every address is asked on this machine's own. */
function url(host, port, path) {
  const isEverywhere = host === undefined || host === "" || host === "0.0.0.0" || host === "::";
  return `http://${isEverywhere ? "127.0.0.1" : host.includes(":") ? `[${host}]` : host}:${port}${path}`;
}

function failureOf(address) {
  return new Promise((resolve) => {
    const request = get(address, { timeout: answerMillisecondsMax }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk) => {
        body += chunk;
      });
      response.on("end", () => resolve(response.statusCode === 200 ? undefined : `${address}: ${body.trim()}`));
      response.on("error", (error) => resolve(`${address}: ${error.message}`));
    });
    request.on("timeout", () => request.destroy(new Error("no answer in time")));
    request.on("error", (error) => resolve(`${address}: ${error.message}`));
  });
}
