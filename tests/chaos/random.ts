import { createHash } from "node:crypto";

/** Pseudo-random choices of one kind: the same seed and name give the same choices, whatever others draw meanwhile. */
export interface RandomStream {
  /** From 0 up to, not including, 1. */
  fraction(): number;
  /** A whole number from `min` to `max`, both included. */
  whole(min: number, max: number): number;
  chance(probability: number): boolean;
  pick<T>(choices: readonly [T, ...T[]]): T;
  shuffled<T>(values: readonly T[]): T[];
}

/** A share from 0 up to, not including, 1 that depends on nothing but the seed and the name. */
export function fractionOf(seed: number, ...name: readonly (string | number)[]): number {
  const digest = createHash("sha256")
    .update([seed, ...name].join("\n"))
    .digest();
  return digest.readUIntBE(0, 6) / 2 ** 48;
}

/** The choices named `name` of the run with this seed. */
export function randomStream(seed: number, name: string): RandomStream {
  let drawn = 0;
  const fraction = () => {
    drawn += 1;
    return fractionOf(seed, name, drawn);
  };
  const whole = (min: number, max: number) => min + Math.floor(fraction() * (max - min + 1));
  return {
    fraction,
    whole,
    chance: (probability) => fraction() < probability,
    pick: (choices) => choices[whole(0, choices.length - 1)] ?? choices[0],
    shuffled(values) {
      const result = [...values];
      for (let i = result.length - 1; i > 0; i -= 1) {
        const j = whole(0, i);
        [result[i], result[j]] = [result[j] as never, result[i] as never];
      }
      return result;
    },
  };
}
