import { execFileSync } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { lastingOutput } from "./lasting-output.ts";

const line = `${"x".repeat(1_023)}\n`;

describe.skipIf(!existsSync("/dev/full"))("a device that is always full", () => {
  test("keeps nobody from writing to it", () => {
    const fd = openSync("/dev/full", "w");
    const output = lastingOutput(fd);
    for (let written = 0; written < 4_000; written += 1) output.write(line);
    closeSync(fd);
  });
});

const directory = mkdtempSync(join(tmpdir(), "dripline-log-"));
const isMounted = mount();

describe.skipIf(!isMounted)("a disk that is full for a while", () => {
  test("gets in their order the lines that waited, and how many were lost", () => {
    const [file, filler] = [join(directory, "log"), join(directory, "filler")];
    const fd = openSync(file, "a");
    const output = lastingOutput(fd);
    output.write("before\n");
    try {
      writeFileSync(filler, Buffer.alloc(8_388_608));
    } catch {} // as much as there is room for
    // A page was begun by the first line: it has room for a few.
    for (let written = 0; written < 2_000; written += 1) output.write(line);
    rmSync(filler);
    output.write("after\n");
    closeSync(fd);

    const lines = readFileSync(file, "utf8").split("\n");
    const kept = lines.filter((each) => `${each}\n` === line).length;
    expect(kept).toBeGreaterThan(900);
    expect(kept).toBeLessThan(1_100);
    const lost = `{"level":"warn","msg":"${2_000 - kept} lines could not be written"}`;
    expect(lines.filter((each) => `${each}\n` !== line)).toEqual(["before", lost, "after", ""]);
  });
});

// Registered after what needs it, so that it is still there then.
afterAll(() => {
  if (isMounted) execFileSync("umount", ["-l", directory]);
  rmSync(directory, { recursive: true });
});

function mount(): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", directory], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
