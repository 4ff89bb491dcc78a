import type { ProfileName } from "../profiles.ts";

/** A worker with one protection taken away, and the profile under which the checker has to find out. */
export interface Control {
  readonly profile: ProfileName;
  /** The worker's program, beside this file. */
  readonly worker: string;
}

export const controls = {
  /** No doubt: what got no reply is sent again, and so is what a dead worker had in hand. */
  "naive-retry": { profile: "control", worker: "naive-retry-worker.js" },
  /** The row is not marked before the body leaves: a death in the middle looks as if nothing had left. */
  "no-mark": { profile: "control", worker: "no-mark-worker.js" },
  /** Generations stand still: a worker that was frozen goes on with an email that another one holds now. */
  "no-generation": { profile: "zombies", worker: "no-generation-worker.js" },
  /** Sends again what is in doubt, although the sequences' policy says `advance`. */
  "mislabelled-resend": { profile: "control", worker: "mislabelled-resend-worker.js" },
} as const satisfies Record<string, Control>;

export type ControlName = keyof typeof controls;
