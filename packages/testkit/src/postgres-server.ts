import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { startPostgres } from "@dripline/embedded/postgres";
import { isDockerAnswering } from "./docker.ts";

export type TestPostgres = { url: string; origin: string; stop(): Promise<void> };

/**
 * The PostgreSQL server of a test run: the one at TEST_DATABASE_URL, else a container when Docker answers, else the
 * embedded one in a temporary directory.
 */
export async function startTestPostgres(
  environment: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<TestPostgres> {
  const url = environment.TEST_DATABASE_URL;
  if (url !== undefined && url !== "") return { url, origin: "TEST_DATABASE_URL", stop: async () => {} };
  if (await isDockerAnswering(environment)) {
    try {
      return await startInContainer();
    } catch (error) {
      say(`PostgreSQL in Docker did not start (${String(error)}); using the embedded one.`);
    }
  }
  return startEmbedded();
}

async function startInContainer(): Promise<TestPostgres> {
  // Imported here: loading testcontainers takes longer than starting the embedded server.
  const { PostgreSqlContainer } = await import("@testcontainers/postgresql");
  const container = await new PostgreSqlContainer("postgres:18")
    .withCommand(["postgres", "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=200"])
    .start();
  return {
    url: container.getConnectionUri(),
    origin: "Docker, postgres:18",
    stop: async () => {
      await container.stop();
    },
  };
}

async function startEmbedded(): Promise<TestPostgres> {
  const parent = await mkdtemp(path.join(tmpdir(), "dripline-test-postgres-"));
  const discard = () => rm(parent, { recursive: true, force: true });
  try {
    const server = await startPostgres({ directory: path.join(parent, "postgres"), log: () => {}, durable: false });
    const stop = async () => {
      await server.stop();
      await discard();
    };
    return { url: server.url, origin: "embedded", stop };
  } catch (error) {
    await discard();
    throw error;
  }
}
