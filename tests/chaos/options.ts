import { parseArgs } from "node:util";
import { InDoubtPolicy } from "@dripline/domain/statuses";
import { type ControlName, controls } from "./controls/controls.ts";
import { type ProfileName, profiles } from "./profiles.ts";

export interface ChaosOptions {
  readonly profile: ProfileName;
  readonly seeds: readonly number[];
  readonly policy: InDoubtPolicy;
  /** The protection that is taken away; undefined: none. */
  readonly control: ControlName | undefined;
  readonly keep: boolean;
}

/** The profile of docs/crash-points.md: nothing in it is random. */
const scenes = "crash-points";

export interface SceneOptions {
  /** How often each scene is played. */
  readonly rounds: number;
}

const usage = `npm run chaos -- [--quick | --profile ${Object.keys(profiles).join("|")}] [--seed N] [--seeds COUNT]
                 [--policy ${InDoubtPolicy.options.join("|")}] [--control ${Object.keys(controls).join("|")}] [--keep]
npm run chaos -- --profile ${scenes} [--rounds COUNT]`;

/** @returns a sentence and the usage if the arguments cannot be used */
export function readOptions(
  args: readonly string[],
  randomSeed: number,
): ChaosOptions | SceneOptions | { readonly problem: string } {
  const { values } = parse(args);
  if (values === undefined) return { problem: usage };
  if (values.profile === scenes) {
    const rounds = Number(values.rounds ?? 20);
    return Number.isSafeInteger(rounds) && rounds >= 1 ? { rounds } : problem("rounds are a whole number");
  }
  const control = values.control as ControlName | undefined;
  if (control !== undefined && !(control in controls)) return problem(`there is no control "${control}"`);
  const named = values.profile ?? (values.quick ? "quick" : undefined);
  const profile = (named ?? (control === undefined ? "full" : controls[control].profile)) as ProfileName;
  if (!(profile in profiles)) return problem(`there is no profile "${profile}"`);
  const policy = InDoubtPolicy.safeParse(values.policy ?? "advance");
  if (!policy.success) return problem(`there is no policy "${values.policy}"`);
  const first = Number(values.seed ?? randomSeed);
  const count = Number(values.seeds ?? 1);
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(count) || count < 1)
    return problem("a seed is a whole number");
  const seeds = Array.from({ length: count }, (_, index) => first + index);
  return { profile, seeds, policy: policy.data, control, keep: values.keep === true };
}

function problem(what: string): { problem: string } {
  return { problem: `${what}\n${usage}` };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        quick: { type: "boolean" },
        profile: { type: "string" },
        seed: { type: "string" },
        seeds: { type: "string" },
        policy: { type: "string" },
        control: { type: "string" },
        rounds: { type: "string" },
        keep: { type: "boolean" },
      },
    });
  } catch {
    return { values: undefined };
  }
}
