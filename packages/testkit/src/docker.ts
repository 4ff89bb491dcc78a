import { existsSync } from "node:fs";
import { request } from "node:http";
import { homedir } from "node:os";
import path from "node:path";

// A local engine answers in milliseconds; what takes longer is an address where nobody is at home.
const PING_TIMEOUT_MILLISECONDS = 1_000;

type Address = { socketPath: string } | { host: string; port: number };

/**
 * Whether a Docker engine really answers. A `docker` command on PATH says nothing: many machines have the client and
 * no engine, and testcontainers would then spend a long time to find out.
 */
export async function isDockerAnswering(environment: NodeJS.ProcessEnv): Promise<boolean> {
  const answers = await Promise.all(engineAddresses(environment).map(ping));
  return answers.includes(true);
}

// The places where testcontainers looks.
function engineAddresses(environment: NodeJS.ProcessEnv): Address[] {
  const host = environment.DOCKER_HOST;
  if (host !== undefined && host !== "") {
    const url = new URL(host);
    if (url.protocol === "unix:") return [{ socketPath: url.pathname }];
    return [{ host: url.hostname, port: Number(url.port === "" ? 2375 : url.port) }];
  }
  const runtimeDirectory = environment.XDG_RUNTIME_DIR;
  return [
    "/var/run/docker.sock",
    ...(runtimeDirectory === undefined ? [] : [path.join(runtimeDirectory, "docker.sock")]),
    path.join(homedir(), ".docker", "run", "docker.sock"),
    path.join(homedir(), ".docker", "desktop", "docker.sock"),
  ]
    .filter((socketPath) => existsSync(socketPath))
    .map((socketPath) => ({ socketPath }));
}

function ping(address: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(PING_TIMEOUT_MILLISECONDS);
    const ask = request({ ...address, path: "/_ping", signal }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    ask.once("error", () => resolve(false));
    ask.end();
  });
}
