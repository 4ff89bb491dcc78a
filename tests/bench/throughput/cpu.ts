import { readdir, readFile } from "node:fs/promises";

/** Clock ticks per second in /proc; 100 on every Linux that Node.js runs on. */
const ticksPerSecond = 100;

/** CPU seconds that these processes and all their descendants, ended ones included, have used until now. */
export async function cpuSeconds(pids: readonly number[]): Promise<number> {
  const processes = await readProcesses();
  const wanted = new Set(pids);
  // Parents have smaller numbers than their children nearly always, but not by law: go round until nothing is new.
  for (let before = -1; before !== wanted.size; ) {
    before = wanted.size;
    for (const { pid, parent } of processes) if (wanted.has(parent)) wanted.add(pid);
  }
  const ticks = processes.filter(({ pid }) => wanted.has(pid)).reduce((sum, each) => sum + each.ticks, 0);
  return ticks / ticksPerSecond;
}

interface ProcessUse {
  readonly pid: number;
  readonly parent: number;
  readonly ticks: number;
}

/**
 * From /proc/PID/stat, proc(5): the fourth field is the parent, the 14th and 15th are user and system time, and the two
 * after them those of children that have ended: without them a sum falls when PostgreSQL ends a process of its own.
 */
async function readProcesses(): Promise<ProcessUse[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const read = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, "latin1").catch(() => "")));
  return read.flatMap((stat) => {
    // The second field is the name in parentheses, which may hold anything.
    const [pid] = stat.split(" ", 1);
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (pid === undefined || fields.length < 15) return [];
    const ticks = fields.slice(11, 15).reduce((sum, each) => sum + Number(each), 0);
    return [{ pid: Number(pid), parent: Number(fields[1]), ticks }];
  });
}

/** The most memory that a process has had resident, in bytes. */
export async function peakMemoryBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "latin1");
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1_024;
}
