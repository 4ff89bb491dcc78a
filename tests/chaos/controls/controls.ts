import type { ProfileName } from "../profiles.ts";

/** A worker with one protection taken away, and the profile under which the checker has to find out. */
export interface Control {
  readonly profile: ProfileName;
  /** The worker's program, beside this file. */
  readonly worker: string;
  /** The invariant that has to break. */
  readonly breaks: "single copy" | "legal transitions";
}

export const controls = {
  /** No doubt: what got no reply is sent again, and so is what a dead worker had in hand. */
  "naive-retry": { profile: "control", worker: "naive-retry-worker.js", breaks: "single copy" },
  /** The row is not marked before the body leaves: a death in the middle looks as if nothing had left. */
  "no-mark": { profile: "control", worker: "no-mark-worker.js", breaks: "single copy" },
  /**
   * Generations stand still: a worker that was frozen passes for the one who holds the email now. Nothing was doubled by
   * that in five runs, because state, phase, lease and the record of late replies keep workers apart as well.
   */
  "no-generation": { profile: "zombies", worker: "no-generation-worker.js", breaks: "legal transitions" },
  /** Sends again what is in doubt, although the sequences' policy says `advance`. */
  "mislabelled-resend": { profile: "control", worker: "mislabelled-resend-worker.js", breaks: "single copy" },
} as const satisfies Record<string, Control>;

export type ControlName = keyof typeof controls;
