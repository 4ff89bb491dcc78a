import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { writeAdoption } from "@dripline/db/write-adoption";
import type { SmtpByRecipient } from "@dripline/testkit/smtp-by-recipient";
import { Redis } from "ioredis";
import pg from "pg";

/** What all scenes of a run share. */
export interface CrashServices {
  /** Where databases are made, and the migrated one that each is a copy of. */
  readonly postgres: { readonly adminUrl: string; readonly template: string };
  /** A server that belongs to this run. */
  readonly redisUrl: string;
  readonly smtp: SmtpByRecipient;
}

/** The Redis of the tests has 64 logical databases; each scene under way has one. */
const redisDatabases = 64;
let redisDatabase = 0;

/** An empty logical database of the run's Redis. */
export async function freshRedis({ redisUrl }: CrashServices): Promise<string> {
  redisDatabase = (redisDatabase + 1) % redisDatabases;
  const url = new URL(redisUrl);
  url.pathname = `/${redisDatabase}`;
  const client = new Redis(url.href);
  await client.flushdb().finally(() => client.disconnect());
  return url.href;
}

/** A migrated database without anything in it, a copy that is adopted. */
export async function freshPostgres({ postgres: { adminUrl, template } }: CrashServices): Promise<string> {
  const name = `${template}_crash_${randomBytes(6).toString("hex")}`;
  await asAdmin(adminUrl, `create database ${name} template ${template}`);
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  await onConnection(url.href, (client) =>
    writeAdoption(client, { publicOrigin: null, now: new Date(), by: "a scene" }),
  );
  return url.href;
}

export async function dropPostgres({ postgres: { adminUrl } }: CrashServices, url: string): Promise<void> {
  await asAdmin(adminUrl, `drop database if exists ${new URL(url).pathname.slice(1)} with (force)`);
}

function asAdmin(url: string, statement: string): Promise<unknown> {
  return onConnection(url, (client) => client.query(statement));
}

async function onConnection<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** A program of this directory as compiled, also when asked from the sources: processes run what was built. */
export function compiled(name: string): string {
  const here = fileURLToPath(new URL(".", import.meta.url));
  const root = here.slice(0, here.lastIndexOf("/tests/"));
  return `${root}/tests/dist/chaos/crash-points/${name}.js`;
}

export function apiProgram(): string {
  const here = fileURLToPath(new URL(".", import.meta.url));
  return `${here.slice(0, here.lastIndexOf("/tests/"))}/apps/api/dist/main.js`;
}
