import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "@dripline/embedded/free-port";
import { type EmbeddedPostgres, startPostgres } from "@dripline/embedded/postgres";

/** A durable PostgreSQL of one run. */
export interface RestartablePostgres {
  /** The server itself, not through any proxy. */
  readonly url: string;
  readonly port: number;
  /** Immediate shutdown, which is a crash to it: no checkpoint, clients cut off. Returns when it answers again. */
  restartImmediately(): Promise<void>;
  stop(): Promise<void>;
}

export async function startRestartablePostgres(
  directory: string,
  log: (line: string) => void,
): Promise<RestartablePostgres> {
  // Durable: what is committed must survive the restarts, or they would prove nothing.
  const start = (port: number) => startPostgres({ directory, port, log, durable: true });
  let server: EmbeddedPostgres = await start(await freePort());
  const { url, port } = server;
  return {
    url,
    port,
    async restartImmediately() {
      const [pid] = (await readFile(join(directory, "data", "postmaster.pid"), "utf8")).split("\n");
      process.kill(Number(pid), "SIGQUIT");
      await server.ended;
      server = await start(port);
    },
    stop: () => server.stop(),
  };
}
