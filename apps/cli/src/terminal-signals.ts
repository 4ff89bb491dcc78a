import { readFileSync } from "node:fs";

const hangUpBit = 1n; // SIGHUP is signal 1, bit 0 of the mask

/**
 * The signals that end a program in a terminal: Ctrl-C, a polite kill, and the window being closed. The last one is left
 * alone under nohup, which asks for exactly that; a handler of ours would undo it.
 */
export function terminalSignals(): NodeJS.Signals[] {
  return isHangUpIgnored() ? ["SIGINT", "SIGTERM"] : ["SIGINT", "SIGTERM", "SIGHUP"];
}

/** proc(5): SigIgn is a hexadecimal mask. Elsewhere than on Linux there is no way to ask. */
function isHangUpIgnored(): boolean {
  try {
    const mask = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
    return (BigInt(`0x${mask}`) & hangUpBit) !== 0n;
  } catch {
    return false;
  }
}
