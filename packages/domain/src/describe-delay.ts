import type { Delay } from "./delay.ts";

/** "3 days", "1 business day", "no delay". */
export function describeDelay({ value, unit }: Delay): string {
  if (value === 0) return "no delay";
  const words = unit.replace("_", " ");
  return `${value} ${value === 1 ? words.slice(0, -1) : words}`;
}
