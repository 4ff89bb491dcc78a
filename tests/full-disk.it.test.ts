import { execFileSync } from "node:child_process";
import { chownSync, mkdtempSync, rmSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { copyDatabase, type FreshDatabase, freshDatabase } from "@dripline/testkit/database";
import pg from "pg";
import { afterAll, describe, expect, test } from "vitest";
import { runCommand } from "./run-command.ts";

/** A file system of its own for a database's tables; who may not mount one, or has PostgreSQL elsewhere, goes without. */
interface SmallDisk {
  readonly database: FreshDatabase;
  fill(): void;
  makeRoom(): void;
}

const disk = await smallDisk();

describe.skipIf(disk === undefined)("a database whose disk is full", () => {
  const { database, fill, makeRoom } = disk as SmallDisk;

  test("is told by doctor, which sees nothing wrong with it before and after, and leaves nothing behind", async () => {
    const doctor = async () => (await runCommand(["doctor"], { DATABASE_URL: database.url })).stdout;
    expect(await doctor()).toMatch(/^✓ the database takes writes$/m);
    fill();
    const seen = await doctor();
    expect(seen).toMatch(/^✗ the database answers, but cannot write: nothing is sent\n {4}The disk of PostgreSQL at /m);
    expect(seen, "it goes on answering what reads").toMatch(/^✓ tables are those of this version$/m);
    makeRoom();
    expect(await doctor()).toMatch(/^✓ the database takes writes$/m);
    const { rowCount } = await database.pool.query("select from pg_class where relname = 'dripline_doctor'");
    expect(rowCount).toBe(0);
  });
});

async function smallDisk(): Promise<SmallDisk | undefined> {
  const { pool, url } = await freshDatabase();
  const { rows } = await pool.query<{ data_directory: string }>("show data_directory");
  await pool.end();
  const directory = mkdtempSync(path.join(tmpdir(), "dripline-disk-"));
  const owner = ownerOf(rows[0]?.data_directory ?? "");
  if (owner === undefined || !mount(directory)) {
    rmSync(directory, { recursive: true });
    return undefined;
  }
  const tablespace = path.basename(directory).replaceAll("-", "_").toLowerCase();
  const filler = path.join(directory, "filler");
  const tables = path.join(directory, "tables");
  execFileSync("mkdir", [tables]);
  for (const each of [directory, tables]) chownSync(each, owner.uid, owner.gid);

  // Its hooks run in the reverse order of their making: the database is dropped before its disk is.
  afterAll(async () => {
    await asAdmin(url, `drop tablespace ${tablespace}`);
    execFileSync("umount", [directory]);
    rmSync(directory, { recursive: true });
  });
  const database = await copyDatabase(url);
  await asAdmin(url, `create tablespace ${tablespace} location '${tables}'`);
  await asAdmin(url, `alter database ${new URL(database.url).pathname.slice(1)} set tablespace ${tablespace}`);
  return {
    database,
    fill: () => {
      const { bavail, bsize } = statfsSync(directory);
      writeFileSync(filler, Buffer.alloc(bavail * bsize));
    },
    makeRoom: () => rmSync(filler),
  };
}

function ownerOf(file: string): { uid: number; gid: number } | undefined {
  try {
    return statSync(file);
  } catch {
    return undefined;
  }
}

function mount(directory: string): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64m", "tmpfs", directory], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

async function asAdmin(url: string, statement: string): Promise<void> {
  const admin = new URL(url);
  admin.pathname = "/postgres";
  const client = new pg.Client({ connectionString: admin.href });
  try {
    await client.connect();
    await client.query(statement);
  } finally {
    await client.end();
  }
}
