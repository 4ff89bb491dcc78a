import { randomInt } from "node:crypto";
import { chmod, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ControlName, controls } from "./controls/controls.ts";
import { runCrashPoints } from "./crash-points/run-crash-points.ts";
import { type ChaosOptions, readOptions } from "./options.ts";
import { describeBroken, tableHead, tableRow } from "./report.ts";
import { putAway, runOnce } from "./run-once.ts";

// Ended by hand: what a killed process has left open (a pipe, a socket) must not keep a run from ending.
process.exit(await run(process.argv.slice(2)));

async function run(args: readonly string[]): Promise<number> {
  const options = readOptions(args, randomInt(1_000_000));
  if ("problem" in options) {
    console.error(options.problem);
    return 2;
  }
  const isGood =
    "rounds" in options ? await runCrashPoints(options.rounds, (line) => console.error(line)) : await runAll(options);
  return isGood ? 0 : 1;
}

async function runAll(chosen: ChaosOptions): Promise<boolean> {
  const rows: string[] = [];
  let isAsPromised = true;
  for (const seed of chosen.seeds) {
    const parent = await mkdtemp(join(tmpdir(), `dripline-chaos-${seed}-`));
    await chmod(parent, 0o755); // PostgreSQL runs as another user when we are root
    const result = await runOnce(seed, chosen, join(parent, "run"), (line) => console.error(line));
    const broken = result.broken.map(({ invariant }) => invariant);
    const isGood =
      chosen.control === undefined ? broken.length === 0 : broken.includes(controls[chosen.control].breaks);
    const isKept = chosen.keep || !isGood;
    rows.push(tableRow(result, chosen.control ?? chosen.profile));
    console.error([rows.at(-1), ...describeBroken(result)].join("\n"));
    await putAway(result, isKept);
    if (isKept) console.error(`The history is in ${result.directory}`);
    if (!isGood) console.error(chosen.control === undefined ? again(seed, chosen) : stayedGreen(chosen.control));
    isAsPromised &&= isGood;
  }
  console.log([...tableHead(), ...rows].join("\n"));
  return isAsPromised;
}

function again(seed: number, { profile, policy }: ChaosOptions): string {
  return `The same choices again: npm run chaos -- --profile ${profile} --policy ${policy} --seed ${seed}`;
}

function stayedGreen(control: ControlName): string {
  return `The control "${control}" did not break "${controls[control].breaks}": the checker or the faults miss what they are for.`;
}
