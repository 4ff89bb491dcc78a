import { expect, test } from "vitest";
import { showProgress } from "./show-progress.ts";

function shown(isTerminal: boolean, steps: readonly number[], total: number): string {
  let text = "";
  const progress = showProgress({ isTerminal, write: (more) => (text += more) });
  for (const done of steps) progress.show({ done, total });
  progress.end();
  return text;
}

test("on a terminal one bar is written over, and the cursor is left below it", () => {
  const [quarter, half] = [`${"█".repeat(6)}${"░".repeat(18)}`, `${"█".repeat(12)}${"░".repeat(12)}`];
  expect(shown(true, [1_000, 2_000], 4_000)).toBe(
    `\r${quarter}  25 %  1,000 of 4,000\u001B[K\r${half}  50 %  2,000 of 4,000\u001B[K\n`,
  );
});

test("elsewhere each tenth is a line, however many steps there are", () => {
  const steps = Array.from({ length: 200 }, (_, i) => (i + 1) * 100);
  expect(shown(false, steps, 20_000).split("\n")).toHaveLength(11);
  expect(shown(false, [300], 300)).toBe("100 %  300 of 300\n");
});

test("people who are enrolled meanwhile do not make it more than all", () => {
  expect(shown(false, [1_200], 1_000)).toBe("100 %  1,200 of 1,200\n");
});
