import { execFile } from "node:child_process";
import { chmod, cp, lstat, mkdtemp, readFile, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { completeInstallation, postgresBinaries } from "./postgres-binaries.ts";

test("programs run although the package manager blocked the install script and dropped the executable bits", async () => {
  const { native } = await postgresBinaries();
  const parent = await mkdtemp(path.join(tmpdir(), "dripline-binaries-"));
  const copy = path.join(parent, "native");
  const postgres = path.join(copy, "bin", "postgres");
  const version = () => promisify(execFile)(postgres, ["--version"]);
  try {
    // As npm unpacks it: no links.
    const isFile = async (file: string) => !(await lstat(file)).isSymbolicLink();
    await cp(native, copy, { recursive: true, filter: isFile });
    await expect(version()).rejects.toThrow("shared libraries");
    await chmod(postgres, 0o644);
    await expect(version()).rejects.toThrow("EACCES");

    await completeInstallation(copy);
    await completeInstallation(copy);

    expect((await version()).stdout).toMatch(/PostgreSQL/);
    const listed = JSON.parse(await readFile(path.join(copy, "pg-symlinks.json"), "utf8")) as { target: string }[];
    // Relative, so that a checkout can be moved.
    for (const { target } of listed) expect(await readlink(path.join(parent, target))).not.toContain("/");
  } finally {
    await rm(parent, { recursive: true });
  }
});

test("a machine without a package is told to bring its own server", async () => {
  await expect(postgresBinaries({ platform: "plan9", architecture: "mips" })).rejects.toMatchObject({
    failure: "unsupported_platform",
    message: expect.stringContaining("DATABASE_URL"),
  });
});
