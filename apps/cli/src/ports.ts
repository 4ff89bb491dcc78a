import { freePort, isPortFree } from "@dripline/embedded/free-port";
import { UserError } from "./user-error.ts";

export interface Ports {
  readonly api: number;
  readonly inboxPage: number;
  readonly smtp: number;
  readonly postgres: number;
}

export const defaultPort = 4600;

/** Four ports in a row, so that there is one number to choose. */
export function portsFrom(first: number): Ports {
  return { api: first, inboxPage: first + 1, smtp: first + 2, postgres: first + 3 };
}

/** Reads the number of the first port. @throws UserError */
export function parsePort(text: string, source: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1024 && port <= 65_532) return port;
  throw new UserError(
    `${source} must be a port from 1024 to 65532 (it and the three after it are used), e.g. ${defaultPort}.`,
  );
}

/** Ports that nobody uses at this moment. PostgreSQL's is left to PostgreSQL. */
export async function freePorts(): Promise<Ports> {
  const found = new Set<number>();
  while (found.size < 3) found.add(await freePort());
  const [api = 0, inboxPage = 0, smtp = 0] = found;
  return { api, inboxPage, smtp, postgres: 0 };
}

/** @throws UserError naming the first port that is taken, for what we wanted it, and what to do */
export async function requireFree(wanted: readonly (readonly [purpose: string, port: number])[]): Promise<void> {
  for (const [purpose, port] of wanted) {
    if (!(await isPortFree(port))) throw portTaken(purpose, port, await whoListens(port));
  }
}

export function portTaken(purpose: string, port: number, holder?: string): UserError {
  return new UserError(
    `Port ${port}, wanted for ${purpose}, is taken by ${holder ?? "another program"}. ` +
      "Stop that, or choose other ports: npm start -- --port 4700 (uses 4700 to 4703).",
  );
}

/** If it is another Dripline, say so; asking is cheaper and surer than looking for the process. */
async function whoListens(port: number): Promise<string | undefined> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/openapi.json`, { signal: AbortSignal.timeout(500) });
    const { info } = (await answer.json()) as { info?: { title?: string } };
    return info?.title?.startsWith("Dripline") ? "another Dripline" : undefined;
  } catch {
    return undefined;
  }
}
